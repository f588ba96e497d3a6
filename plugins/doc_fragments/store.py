# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the option that names an object store."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  store:
    description: An object store with the interface of Amazon S3, which the target reaches by boto3.
    type: dict
    suboptions:
      url:
        description: Where the backups are, as V(s3://bucket) or V(s3://bucket/prefix).
        type: str
        required: true
      endpoint_url:
        description: The URL of a store other than Amazon's, such as V(https://minio.example.com:9000).
        type: str
      region:
        description: The region of the bucket, where the store has regions.
        type: str
      ca_file:
        description: A file of CA certificates, on the target, that verify the store's; by default boto3's own.
        type: path
      access_key:
        description:
          - The credentials. Without them boto3 looks for its own on the target, such as the role of a virtual machine,
            environment variables, or C(~/.aws/credentials).
        type: str
      secret_key:
        description: The secret of O(store.access_key).
        type: str
      session_token:
        description: Of temporary credentials.
        type: str
requirements:
  - boto3 on the target, for an object store
"""
