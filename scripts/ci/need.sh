# Sourced by .ci/run and scripts/test-needs.sh. `need COMMAND PACKAGE` makes sure that COMMAND can be run: from Debian where it is missing and
# this user may install, otherwise with a warning nobody can overlook. Returns 1 when it could not.

need() {
  local command=$1 package=$2 sudo=()
  command -v "$command" >/dev/null && return 0
  if ! command -v apt-get >/dev/null; then
    need_missing "$command" "$package" 'there is no apt-get here'
    return 1
  fi
  if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
      need_missing "$command" "$package" 'this user may not install packages'
      return 1
    fi
    sudo=(sudo -n)
  fi
  if [ -z "${NEED_UPDATED:-}" ]; then
    NEED_UPDATED=1
    # What is known of the packages may do: without a network apt-get would try for many minutes.
    "${sudo[@]}" timeout --kill-after=10 120 env DEBIAN_FRONTEND=noninteractive apt-get update -qq || true
  fi
  if ! "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" ||
    ! command -v "$command" >/dev/null; then
    need_missing "$command" "$package" 'apt-get could not install it'
    return 1
  fi
}

need_missing() {
  printf '\n!!!!!!!!  %s IS MISSING (package %s): %s. What needs it is SKIPPED.  !!!!!!!!\n\n' "$1" "$2" "$3"
}
