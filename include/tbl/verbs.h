/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every verb that the engine tells apart; case does not matter on the wire.
 * What is not a row is the last row, and never reaches the exchanger.
 *
 * VERB(word, ask, answer, modes, flags)
 *   ask     what is done with the client's line (ask.c)
 *   answer  what the exchanger's answer changes (answer.c)
 *   modes   PROXY an exchanger is there, LOCAL after a refused message,
 *           REFUSED no exchanger from the start; elsewhere it is refused
 *   flags   HOLD nothing behind it is taken before it was answered,
 *           TEXT its argument is kept until it was answered,
 *           JUNK brings no mail forward: too many of these end the session,
 *           APART is refused between the chunks of a message (E22)
 */
VERB(HELO,	helo,		helo,	PROXY,			TEXT)
VERB(EHLO,	helo,		ehlo,	PROXY,			TEXT)
VERB(MAIL,	mail,		mail,	PROXY,			TEXT | APART)
VERB(RCPT,	rcpt,		rcpt,	PROXY,			TEXT | APART)
VERB(DATA,	data,		data,	PROXY,			HOLD | APART)
VERB(BDAT,	bdat,		bdat,	PROXY,			0)
VERB(RSET,	forward,	rset,	PROXY | LOCAL,		JUNK)
VERB(NOOP,	forward,	plain,	PROXY | LOCAL,		JUNK)
VERB(QUIT,	forward,	quit,	PROXY | LOCAL | REFUSED, HOLD)
VERB(VRFY,	probe,		plain,	PROXY,			JUNK)
VERB(EXPN,	probe,		plain,	PROXY,			JUNK)
VERB(HELP,	forward,	plain,	PROXY,			JUNK)
VERB(AUTH,	auth,		auth,	PROXY,			HOLD | JUNK | APART)
VERB(STARTTLS,	starttls,	starttls, PROXY,		HOLD | JUNK | APART)

/* Would change who is who, or the framing (E35, E37, E38, E39). */
VERB(XCLIENT,	refuse,		plain,	PROXY,			JUNK)
VERB(XFORWARD,	refuse,		plain,	PROXY,			JUNK)
VERB(ETRN,	refuse,		plain,	PROXY,			JUNK)
VERB(ATRN,	refuse,		plain,	PROXY,			JUNK)
VERB(TURN,	refuse,		plain,	PROXY,			JUNK)
VERB(BURL,	refuse,		plain,	PROXY,			JUNK)
VERB(XEXCH50,	refuse,		plain,	PROXY,			JUNK)
VERB(LHLO,	refuse,		plain,	PROXY,			JUNK)
VERB(SEND,	refuse,		plain,	PROXY,			JUNK)
VERB(SOML,	refuse,		plain,	PROXY,			JUNK)
VERB(SAML,	refuse,		plain,	PROXY,			JUNK)

/* First words of other protocols (E44); as a later line they are unknown. */
VERB(GET,	foreign,	plain,	PROXY,			JUNK)
VERB(POST,	foreign,	plain,	PROXY,			JUNK)
VERB(HEAD,	foreign,	plain,	PROXY,			JUNK)
VERB(PUT,	foreign,	plain,	PROXY,			JUNK)
VERB(DELETE,	foreign,	plain,	PROXY,			JUNK)
VERB(OPTIONS,	foreign,	plain,	PROXY,			JUNK)
VERB(CONNECT,	foreign,	plain,	PROXY,			JUNK)
VERB(TRACE,	foreign,	plain,	PROXY,			JUNK)
VERB(PATCH,	foreign,	plain,	PROXY,			JUNK)
VERB(PRI,	foreign,	plain,	PROXY,			JUNK)
VERB(PROXY,	foreign,	plain,	PROXY,			JUNK)

/*
 * Not words of the client: the greeting, a line within AUTH, the end of a
 * message, the octets of its last chunk, a RSET of ours.
 */
VERB(greeting_,	unknown,	greeting, 0,			0)
VERB(auth_line_, unknown,	auth,	0,			HOLD)
VERB(dot_,	unknown,	dot,	0,			HOLD)
VERB(last_,	unknown,	last,	0,			HOLD)
VERB(rset_,	unknown,	cleared, 0,			HOLD)

VERB(unknown_,	unknown,	plain,	PROXY,			JUNK)
