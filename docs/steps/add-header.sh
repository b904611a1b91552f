#!/bin/sh
# Adds a change ticket to the request, as the header X-Change-Ticket.
# The ticket's number comes in the variable TICKET.

case ${TICKET:-} in
'')
	echo "set TICKET to the number of the change" >&2
	exit 2
	;;
*[!A-Za-z0-9-]*) # anything else would need escapes in JSON
	echo "TICKET may hold letters, digits and dashes only" >&2
	exit 2
	;;
esac

# The request on stdin need not be read: only what changes is printed.
printf '{"next":{"headers":{"X-Change-Ticket":["%s"]}}}\n' "$TICKET"
