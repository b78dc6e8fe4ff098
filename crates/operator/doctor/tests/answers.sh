#!/bin/sh
# In place of the AWS client, for unit tests. Each line of $ANSWERS is a call (or a part of one), a tab, and
# AWS's answer. Any other call is refused.
while IFS='	' read -r call answer; do
    case " $* " in
    *" $call "*)
        printf '%s\n' "$answer"
        exit
        ;;
    esac
done <"$ANSWERS"
echo "An error occurred (AccessDenied) when calling the operation $1 $2: not authorized" >&2
exit 254
