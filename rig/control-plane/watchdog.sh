#!/bin/sh
# Cleans up after its owner, whatever the owner dies of: started by processes.ts with a directory as argument and a pipe
# as standard input. Each line tells of a process group (`watch 123`, `forget 123`); when the pipe closes, the groups
# are ended, the newest first, and the directory is removed. It must outlive the signals that end its owner.
trap '' INT TERM HUP
groups=''
while read -r verb group; do
  case $verb in
    watch) groups="$group $groups" ;;
    forget)
      rest=''
      for each in $groups; do [ "$each" = "$group" ] || rest="$rest $each"; done
      groups=$rest
      ;;
  esac
done

alive() {
  for each in $groups; do kill -0 "-$each" 2>/dev/null && return 0; done
  return 1
}

for each in $groups; do kill -TERM "-$each" 2>/dev/null; done
waits=0
while alive && [ "$waits" -lt 30 ]; do
  sleep 0.1
  waits=$((waits + 1))
done
for each in $groups; do kill -KILL "-$each" 2>/dev/null; done
rm -rf -- "$1"
