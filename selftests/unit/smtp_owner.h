/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An owner of the SMTP engine without sockets, for tests and fuzzers: keeps
 * both sides' input, offers output room, collects what comes out. Every
 * broken rule of the contract ends in abort().
 */
#ifndef SMTP_OWNER_H
#define SMTP_OWNER_H

#include "smtp/smtp.h"

#define OWNER_BYTES	(512 * 1024)

struct bytes {
	size_t	len;
	char	data[OWNER_BYTES];
};

enum { CLIENT, SERVER };
enum { TO_CLIENT, TO_SERVER, CONTENT, EVENTS, KINDS };

struct owner {
	struct smtp		smtp;
	struct conf_class	class;
	struct smtp_env		env;
	struct bytes		in[2];		/* held for the engine */
	bool			eof[2];
	struct bytes		got[KINDS];	/* events as lines of words */
	unsigned int		acts;		/* all so far */
	unsigned int		started;	/* SMTP_EV_DATA */
	unsigned int		ended;		/* SMTP_EV_MESSAGE */
	unsigned int		accepted;	/* of these */
};

void bytes_add(struct bytes *b, const char *data, size_t len);

/* The default class with Received: off, and nothing kept. */
void owner_reset(struct owner *o);
/* Start with an exchanger, or without one when @refused is a reply. */
void owner_start(struct owner *o, enum smtp_reply refused);
/* One turn; so much output room on each side. */
void owner_turn(struct owner *o, size_t room);
/* Turns until nothing changes any more. @stutter: each is first tried without room. */
void owner_turns(struct owner *o, bool stutter);
/* Octets arrive. The owner's buffers are bounded; what is held back for good is lost. */
void owner_send(struct owner *o, int side, const char *data, size_t len, bool stutter);

#endif
