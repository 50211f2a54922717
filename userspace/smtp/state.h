/* SPDX-License-Identifier: GPL-2.0 */
/* The engine's state. Private to smtp/: others embed it and look away. */
#ifndef SMTP_STATE_H
#define SMTP_STATE_H

/* Commands whose answer is outstanding (E10); with all taken the client waits. */
#define SMTP_SLOTS	64
/* Octets of arguments (paths, HELO) that wait for the answer to their command. */
#define SMTP_TEXTS	1024

/* What the client's next octets are. */
enum smtp_phase {
	SMTP_COMMAND,		/* a command line */
	SMTP_SKIP,		/* rest of a command line that was too long */
	SMTP_HOLD,		/* not known before the exchanger has answered */
	SMTP_AUTH_LINE,		/* a line within AUTH */
	SMTP_CHUNK,		/* octets of a BDAT that was refused */
	SMTP_CHUNK_BODY,	/* octets of a BDAT that go up */
	SMTP_RESET,		/* behind a transaction that RSET is to end upstream */
	SMTP_BODY,		/* message */
	SMTP_SWALLOW,		/* rest of a message that is lost */
	SMTP_VERDICT,		/* behind a message whose verdict is awaited */
	SMTP_DOT,		/* behind a message whose end was sent */
	SMTP_TUNNEL,		/* TLS: opaque, and so are the exchanger's */
	SMTP_LEFT,		/* behind QUIT: thrown away */
	SMTP_DEAF,		/* thrown away; the queued slots end the session */
};

/* Where in a message the client's octets stand. */
enum smtp_body {
	SMTP_BODY_START,	/* at the start of a line */
	SMTP_BODY_MIDDLE,
	SMTP_BODY_CR,		/* CR seen, withheld */
	SMTP_BODY_DOT,		/* dot at the start of a line seen, withheld */
	SMTP_BODY_DOT_CR,	/* dot, CR seen, withheld */
	/* The same at the start of a line that stands behind a bare end (newline.c). */
	SMTP_BODY_BARE,
	SMTP_BODY_BARE_DOT,
	SMTP_BODY_BARE_DOT_CR,
	SMTP_BODY_CR_SENT,	/* CR seen at the end of a chunk, sent */
};

/* One reply that the client will get. */
struct smtp_slot {
	uint8_t	verb;		/* enum smtp_verb */
	bool	local;		/* we answer, with `reply` */
	uint8_t	reply;		/* enum smtp_reply */
	bool	close;		/* the session ends with it */
};

/* What RSET clears. */
struct smtp_tx {
	bool		open;		/* MAIL was accepted */
	uint32_t	recipients;	/* accepted */
	uint8_t		refuse;		/* enum smtp_reply for DATA and BDAT (E16); 0 = none */
	bool		data;		/* DATA was refused (E22) */
};

/* The message in progress. */
struct smtp_message {
	uint64_t	octets;		/* gone up so far: our line and content */
	uint32_t	line;		/* octets of the line in progress, at most max_line */
	uint32_t	swallowed;
	uint8_t		state;		/* enum smtp_body */
	uint8_t		answer;		/* enum smtp_reply for the dot, in SMTP_SWALLOW */
	bool		begun;		/* Received: was written */
	bool		counted;	/* SMTP_EV_DATA was given, SMTP_EV_MESSAGE is owed */
	bool		upstream;	/* DATA or BDAT was sent, its end was not answered */
	bool		chunks;		/* it comes by BDAT; from the first to its end */
	bool		last;		/* the chunk in progress is the last one */
	bool		early;		/* it answered before the end (E19) */
	bool		normalised;	/* newline_normalised was told */
	bool		judged;		/* `verdict` is known */
	uint8_t		verdict;	/* enum verdict_action */
};

/* The exchanger's reply in progress. */
struct smtp_progress {
	uint16_t	code;		/* 0 = none */
	uint16_t	lines;
	uint32_t	octets;
	bool		unasked;	/* no command was waiting when it began (E57) */
	bool		rebuild;	/* EHLO: all of it is there, lines are chosen */
	bool		pipelining;	/* EHLO: a line so far offers it */
	bool		chunking;	/* likewise */
	bool		starttls;	/* likewise */
	bool		says_tls;	/* 530: a line so far names TLS */
	bool		says_auth;	/* 530: a line so far names authentication */
};

/* STARTTLS (E32, E33). */
struct smtp_tls {
	uint64_t	octets;		/* of the client's, taken in the tunnel */
	bool		answered;	/* the exchanger has spoken in the tunnel */
	bool		late;		/* told between turns: its time is over */
	bool		over_noted;	/* tls_limit_shadow was told */
	bool		offered;	/* by the exchanger's last EHLO */
	bool		kept_out;	/* it was, the class does not pass it, and nothing
					 * was accepted since */
	bool		mail_tried;	/* a MAIL command was seen */
	bool		wanted_noted;	/* tls_wanted was told */
};

struct smtp {
	const struct smtp_env	*env;
	const struct smtp_ops	*ops;
	void			*owner;

	struct smtp_slot	slots[SMTP_SLOTS];	/* a ring */
	uint8_t			first;			/* oldest slot */
	uint8_t			count;
	uint8_t			owed;	/* of these, by the exchanger, greeting excluded */
	uint16_t		text_first;		/* `texts` is a ring too */
	uint16_t		text_used;
	char			texts[SMTP_TEXTS];	/* two octets of length, then text */

	uint8_t			phase;	/* enum smtp_phase */
	uint8_t			mode;	/* enum smtp_mode */
	uint8_t			helo_len;
	char			helo[FACTS_HELO];	/* last accepted argument */
	struct smtp_tx		tx;
	struct smtp_message	message;
	struct smtp_progress	reply;
	struct smtp_tls		tls;
	uint32_t		skip;	/* octets left (of a BDAT) or seen (SMTP_SKIP) */
	uint32_t		junk;	/* commands without mail */
	uint8_t			after;	/* enum smtp_phase behind SMTP_CHUNK */
	uint16_t		chunk_code;	/* a chunk was refused so (E25); 0 = none */

	bool	first_line;	/* no line was taken yet */
	bool	greeted;	/* the greeting is over */
	bool	early_noted;	/* early_talker was told */
	bool	rush_noted;	/* early_pipelining was told */
	bool	bare_noted;	/* newline_normalised was told of a command */
	bool	pipelining;	/* offered by the exchanger */
	bool	chunking;	/* likewise */
	bool	esmtp;		/* EHLO was accepted, not HELO */
	bool	authenticated;
	bool	utf8;		/* last MAIL had SMTPUTF8 */
	bool	suspect;	/* DATA was refused, no command seen since */

	/* Told between turns. */
	bool	server_lost;
	bool	server_reset;
	bool	client_lost;
	bool	struck;		/* the wait `row` ran out */
	bool	finishing;	/* with finish_reply, once between transactions */
	uint8_t	finish_reply;

	/* The end, and what the owner has not been told yet. */
	bool	server_down;	/* upstream leg ended by us: neither read nor written */
	bool	over;
	uint16_t why;		/* enum postern_reason */
	uint16_t finish_why;
	uint32_t acts;

	/* Waits. */
	uint32_t epoch;
	uint8_t	row;		/* enum smtp_wait */
	bool	moved;		/* in this turn something was answered or taken */
	bool	partial;	/* a command line has begun */
	uint8_t	stuck;		/* enum smtp_stuck: who does not read */
};

/* 50,000 idle sessions are to fit: most of it is the room for arguments. */
_Static_assert(sizeof(struct smtp) <= 1600, "struct smtp has grown");

#endif
