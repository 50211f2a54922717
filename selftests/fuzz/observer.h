/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Watches what the engine sends, knowing nothing of the engine and predicting
 * nothing: whatever both sides say and whatever happens,
 *
 *   every command that goes up is a clean line with a verb of the list,
 *   no message holds a bare CR, a bare LF or a NUL,
 *   no message ends unless it was accepted, a lone dot to nobody excepted,
 *   what was judged is what went up, octet for octet,
 *   at most one message is in progress, and what is accepted has ended upstream,
 *   the client gets whole replies, one a command, and one more at the end,
 *   after a leg's end nothing is sent on it.
 */
#ifndef FUZZ_OBSERVER_H
#define FUZZ_OBSERVER_H

#include "../unit/smtp_owner.h"

/* What the octets on the upstream leg are. */
enum stretch { COMMAND, DATA_ASKED, AUTH_ASKED, AUTH_TEXT, TLS_ASKED, TUNNEL, CHUNK, BODY };

struct observer {
	const struct owner *owner;
	struct bytes	judged;		/* what went up, unstuffed */
	const char	*broken;	/* the first rule that was */
	bool		compare;	/* Received: is off: what goes up is what is judged */
	unsigned int	accepts;	/* messages that may end */
	enum stretch	stretch;
	size_t		judged_seen;
	size_t		seen;		/* of what went up */
	size_t		line;		/* where the line now read begins */
	size_t		body;		/* where the message begins */
	size_t		asked;		/* of the client's when a command went up */
	size_t		chunk;		/* octets left of one */
	unsigned int	ends;		/* messages ended upstream */
	size_t		commands;	/* lines the client has said at most */
	size_t		replies, replies_seen;
	bool		server_gone, client_gone;
	size_t		server_had, client_had;
};

void observer_start(struct observer *ob, const struct owner *owner);
/* The client said so much (a message's lines count too: it is a bound). */
void observer_said(struct observer *ob, const char *data, size_t len);
/* Look at all that is new. NULL, or the rule that is broken. */
const char *observer_look(struct observer *ob);

#endif
