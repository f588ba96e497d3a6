"""One ansible.cfg for the README, the examples, the demonstration and the recordings."""

from __future__ import annotations

from pathlib import Path

import recordings

import demo

CONFIG = demo.CHECKOUT / "examples" / "ansible.cfg"
README = demo.CHECKOUT / "README.md"

# What a place needs, and a console does not show.
PLACES = {"ANSIBLE_HOME", "ANSIBLE_LOCAL_TEMP", "ANSIBLE_REMOTE_TMP", "ANSIBLE_COLLECTIONS_PATH"}


def test_the_demonstration_has_the_settings_of_the_examples_and_no_others() -> None:
    assert demo.ansible_settings()["ANSIBLE_CONFIG"] == str(CONFIG)
    assert demo.ansible_settings().keys() - PLACES == {"ANSIBLE_CONFIG"}
    source = Path(demo.__file__).read_text(encoding="utf-8")
    assert len([word for word in source.split('"') if word.startswith("ANSIBLE_")]) == len(PLACES) + 2


def test_the_recordings_add_nothing_but_the_width_and_the_lack_of_colour() -> None:
    source = Path(recordings.__file__).read_text(encoding="utf-8")
    assert [word for word in source.split('"') if word.startswith("ANSIBLE_")] == ["ANSIBLE_NOCOLOR"]
    assert "examples/ansible.cfg" in recordings.PAGE.read_text(encoding="utf-8")


def test_the_readme_has_the_settings_word_for_word() -> None:
    settings = CONFIG.read_text(encoding="utf-8").partition("\n")[2]
    assert f"```ini\n# ansible.cfg\n{settings}```" in README.read_text(encoding="utf-8")
