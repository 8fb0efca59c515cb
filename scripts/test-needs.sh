#!/usr/bin/env bash
# Makes sure of what the tests use besides npm's packages; what cannot be had is said loudly, and skipped.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
. scripts/ci/need.sh

# A real keyring, and clocks that are wrong.
need gnome-keyring-daemon gnome-keyring
need dbus-run-session dbus-daemon
need faketime faketime
# What a killed one left behind is in the way of another with the same process id.
for left in /dev/shm/sem.faketime_sem_* /dev/shm/faketime_shm_*; do
  [ ! -e "$left" ] || kill -0 "${left##*_}" 2>/dev/null || rm -f "$left"
done

# The programs that are given tokens.
need curl curl
need kubectl kubernetes-client
# Certificates.
need openssl openssl
# The cache of a fleet.
need redis-server redis-server

# The shells that complete the words of km, a terminal that is drawn, and what reads the man page.
need zsh zsh
need fish fish
need tmux tmux
need mandoc mandoc
# The browser in which a person logs in, and looks at km dashboard.
need chromium chromium
exit 0
