"""Digests of large files are kept, and those of changed files are not taken for them."""

from __future__ import annotations

import hashlib
import os
import time

import pytest

from models.predictors import file_digests
from models.predictors.file_digests import KEPT_BYTES, file_digest


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    now = time.time()
    monkeypatch.setattr(file_digests.time, "time", lambda: now + 60)  # the files have settled
    return tmp_path / "cache" / "parabounds" / "digests"


def kept(cache):
    return [file for file in cache.iterdir() if file.suffix != ".lock"] if cache.exists() else []


def test_a_large_file_is_read_once(tmp_path, cache):
    file = tmp_path / "weights"
    file.write_bytes(b"first")
    expected = hashlib.sha256(b"first").digest()
    assert file_digest(file) == expected
    assert kept(cache) == []  # small: not kept
    assert file_digest(file, least=1) == expected
    (entry,) = kept(cache)
    assert entry.read_text() == expected.hex()
    entry.write_text("00" * 32)
    assert file_digest(file, least=1) == bytes(32)  # it is taken from there
    entry.write_text("damaged")
    assert file_digest(file, least=1) == expected
    assert KEPT_BYTES > 1 << 20


def test_a_file_that_changed_under_the_same_name_size_and_time_is_read_again(tmp_path, cache):
    file = tmp_path / "weights"
    file.write_bytes(b"first")
    before = file.stat()
    file_digest(file, least=1)
    file.write_bytes(b"other")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file_digest(file, least=1) == hashlib.sha256(b"other").digest()
    assert len(kept(cache)) == 2


def test_a_file_that_has_just_changed_is_not_kept(tmp_path, cache, monkeypatch):
    file = tmp_path / "weights"
    file.write_bytes(b"first")
    monkeypatch.setattr(file_digests.time, "time", lambda: file.stat().st_ctime + 1)
    assert file_digest(file, least=1) == hashlib.sha256(b"first").digest()
    assert kept(cache) == []


def test_a_folder_that_cannot_be_made_costs_time_alone(tmp_path, cache):
    file = tmp_path / "weights"
    file.write_bytes(b"first")
    (tmp_path / "cache").write_bytes(b"a file in its place")
    assert file_digest(file, least=1) == hashlib.sha256(b"first").digest()
    assert not cache.exists()
