#!/bin/sh
# Records what the kernel's DAMON files answer, as root on a machine whose DAMON nobody uses:
#
#   sh scripts/record-admin.sh < __test__/admin/kernel/answers.txt > answers.txt
#
# Reads a recording, or commands like its own, one a line: echo TEXT > FILE, with & after it to go
# on meanwhile, cat FILE, sleep S, wait, NAME=VALUE, comments. Prints each with its answer after
# "  # ": ok, or what was read (a | for each newline but the last), or the errno. Paths are from the
# root of the tree; $PID is a process that can be watched. Another tree than the kernel's may be
# named, such as a mounted one of ours. What it set up is gone when it ends.
set -u
export LC_ALL=C
admin=${1:-/sys/kernel/mm/damon/admin}
cd "$admin" || exit 1
if [ "$(cat kdamonds/nr_kdamonds)" != 0 ]; then
  echo "$admin is in use: kdamonds/nr_kdamonds is not 0, and nothing was written" >&2
  exit 1
fi
PID=${PID:-$$}
errors=$(mktemp)
newline='
'

give_back() {
  for state in kdamonds/*/state; do
    [ ! -e "$state" ] || [ "$(cat "$state")" = off ] || echo off > "$state"
  done
  echo 0 > kdamonds/nr_kdamonds
  rm -f "$errors"
}
trap give_back EXIT
trap 'exit 1' HUP INT TERM

# The errno's name for what dd says; what it says where that is none of these.
refused() {
  IFS= read -r message < "$errors"
  case ${message##*: } in
    'Operation not permitted') answer=EPERM ;;
    'No such file or directory') answer=ENOENT ;;
    'Cannot allocate memory') answer=ENOMEM ;;
    'Permission denied') answer=EACCES ;;
    'Device or resource busy') answer=EBUSY ;;
    'No such device') answer=ENODEV ;;
    'Not a directory') answer=ENOTDIR ;;
    'Is a directory') answer=EISDIR ;;
    'Invalid argument') answer=EINVAL ;;
    'Numerical result out of range') answer=ERANGE ;;
    'Operation canceled') answer=ECANCELED ;;
    *) answer=$message ;;
  esac
}

echo "# $(uname -srvm)"
while IFS= read -r line; do
  command=${line%%  # *}
  case $command in
    '# Linux '*) continue ;;
    *' &')
      eval "$command"
      echo "$command"
      continue
      ;;
    'echo '*)
      eval "path=${command##* > }"
      # By dd, as it tells the errno, which the echo of some shells does not.
      if eval "${command% > *}" | dd of="$path" bs=65536 conv=notrunc 2> "$errors"; then
        answer=ok
      else
        refused
      fi
      ;;
    'cat '*)
      eval "path=${command#cat }"
      if answer=$(dd if="$path" bs=65536 2> "$errors"); then
        while :; do
          case $answer in
            *"$newline"*) answer="${answer%%"$newline"*}|${answer#*"$newline"}" ;;
            *) break ;;
          esac
        done
      else
        refused
      fi
      ;;
    '' | '#'*)
      echo "$command"
      continue
      ;;
    *)
      eval "$command"
      echo "$command"
      continue
      ;;
  esac
  echo "$command  # $answer"
done
