/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Plays a dialogue through the SMTP engine and compares what comes out, after
 * every step, whole and in every segmentation (bar B7).
 *
 * A script is lines; a line is a letter, a blank and text:
 *   > text	the client sends text and CRLF; lines that follow one another
 *		are one segment
 *   < text	the exchanger sends
 *   ! word	something happens: accept reject tempfail drop, client-fin,
 *		client-rst, server-fin, server-rst, expire, shutdown, refused (the
 *		line is), refuse (the transaction, E16), late (the TLS session
 *		is), split (the next line is a segment of its own)
 *   C text	expected to the client, S to the exchanger, B as content
 *   E text	expected event: helo, mail, rcpt, refused, reset, data,
 *		message_accepted 250, note auth_refused ...
 *   A words	expected acts: VERDICT RESET_SERVER ...
 *   W row	expected wait	= reason	expected end
 * After each segment or happening exactly the expected comes out. An expected
 * line that ends in "..." is compared up to there. In text: \r \n \0 \t \\,
 * \xNN, \{N text} for N times the text, and \_ at the end for "no CRLF".
 */
#ifndef SMTP_PLAY_H
#define SMTP_PLAY_H

#include "smtp_owner.h"

struct play {
	const char	*name;		/* with the case's number */
	const char	*script;
	void		(*set)(struct conf_class *class);	/* settings; NULL = none */
	enum smtp_reply	refused;	/* SMTP_REPLY_COUNT = with an exchanger */
	bool		shadow;
};

#define PLAY(name_, ...) { .name = name_, .refused = SMTP_REPLY_COUNT, .script = __VA_ARGS__ }

/* Plays every row in every segmentation. Fails the running test with the row's name. */
void play_all(const struct play *rows, size_t count);

#define PLAY_GREET \
	"< 220 mx\nC 220 mx\nW idle\n"
#define PLAY_EHLO \
	PLAY_GREET "> EHLO a\nS EHLO a\nW reply\n" \
	"< 250-mx\n< 250 PIPELINING\nC 250-mx\nC 250 PIPELINING\nE helo a\n"
#define PLAY_MAIL \
	"> MAIL FROM:<f@a>\nS MAIL FROM:<f@a>\n< 250 ok\nC 250 ok\nE mail f@a\n"
#define PLAY_RCPT \
	"> RCPT TO:<t@b>\nS RCPT TO:<t@b>\n< 250 ok\nC 250 ok\nE rcpt t@b\n"
#define PLAY_DATA \
	"> DATA\nS DATA\nW data\n< 354 go\nC 354 go\nE data\nW body\n"
/* Up to the first octet of a message. */
#define PLAY_BODY	PLAY_EHLO PLAY_MAIL PLAY_RCPT PLAY_DATA
#define PLAY_QUIT \
	"> QUIT\nS QUIT\n< 221 bye\nC 221 bye\nW closing\n" \
	"! server-fin\nA CLOSE_SERVER CLOSE_CLIENT DISCARD_CLIENT\n= end_quit\n"

#endif
