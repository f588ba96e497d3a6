-- pgsafe: no-transaction
-- CREATE INDEX CONCURRENTLY refuses to run in a transaction. An attempt that was cut short leaves an invalid
-- index under the same name, so each one is dropped first: this file may be run again.

SET lock_timeout = '5s';
SET client_min_messages = warning;

DROP INDEX CONCURRENTLY IF EXISTS public.members_email_key;
CREATE UNIQUE INDEX CONCURRENTLY members_email_key ON public.members (email);

DROP INDEX CONCURRENTLY IF EXISTS public.members_phone_key;
CREATE UNIQUE INDEX CONCURRENTLY members_phone_key ON public.members (phone);

DROP INDEX CONCURRENTLY IF EXISTS public.members_joined_at_idx;
CREATE INDEX CONCURRENTLY members_joined_at_idx ON public.members (joined_at);

DROP INDEX CONCURRENTLY IF EXISTS public.member_profiles_tags_idx;
CREATE INDEX CONCURRENTLY member_profiles_tags_idx ON public.member_profiles USING gin (tags);
