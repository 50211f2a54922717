/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the SMTP engine has to do, said a second time and simply: written from
 * the protocol cases, not from the engine. It is fed with what the engine was
 * fed with, after it, and says what the client must have got, what must have
 * gone up and what became of each message. It never sees how octets were cut.
 *
 * Where the cases leave freedom it looks at what the engine chose, or it goes
 * `loose`: from there on it predicts nothing, and the observer alone watches.
 */
#ifndef FUZZ_MODEL_H
#define FUZZ_MODEL_H

#include "../unit/smtp_owner.h"

#define MODEL_SLOTS	64
#define MODEL_REPLIES	8192
#define MODEL_MESSAGES	512

enum model_phase {
	MODEL_COMMAND, MODEL_LONG, MODEL_HOLD, MODEL_AUTH_LINE, MODEL_CHUNK, MODEL_BODY,
	MODEL_LOST, MODEL_AWAIT, MODEL_LEFT, MODEL_TUNNEL,
};

struct model_slot {
	int		verb;
	bool		local;
	bool		close;
	bool		quiet;		/* its answer is for nobody */
	unsigned int	code, also;	/* ours: one of them; code 0: any 5xx */
};

/* What the client must get: text of the exchanger's, or (len 0) a reply of ours. */
struct model_reply {
	size_t		at, len;
	unsigned int	code, also;
};

struct model {
	const struct conf_class	*class;
	const struct owner	*owner;
	bool		loose;
	bool		over;
	bool		waits_for_end;	/* over when the exchanger says so */
	bool		rude;		/* over without the client getting all */
	bool		local;		/* the exchanger is gone, the session goes on */
	bool		refused;	/* there never was one */
	const char	*broken;	/* the first thing that was not as predicted */

	struct bytes	client, server;	/* not used yet */
	struct bytes	up;		/* must have gone up */
	struct bytes	content;	/* must have been judged */
	struct bytes	text;		/* of replies */
	struct bytes	lines;		/* of the exchanger's reply in progress */

	struct model_slot	slot[MODEL_SLOTS];
	size_t			slots;
	struct model_reply	reply[MODEL_REPLIES];
	size_t			replies, matched;
	size_t			client_seen, events_seen, up_seen, content_seen;
	unsigned int		outcome[MODEL_MESSAGES];	/* code that the client got */
	size_t			outcomes, outcomes_seen;

	enum model_phase	phase;
	bool		first, greeted, pipelining, chunking, held_early;
	bool		refused_data;	/* and nothing was understood since */
	unsigned int	junk;		/* commands without mail, at most */
	bool		tx_chunks, tx_data, tx_failed;
	unsigned int	tx_recipients;
	unsigned int	chunk_code;	/* answer to the chunk that failed */

	/* The exchanger's reply in progress. */
	unsigned int	code, count;

	/* The message in progress. */
	bool		nobody;		/* a lone dot to no recipient: no message */
	bool		normal;		/* nothing up and judged but a prefix yet */
	bool		hole;		/* Received: stands at hole_at, not seen yet */
	size_t		hole_at, body_at, content_at;
	int		state;
	unsigned int	line_len;
	bool		strange_start;	/* this line began behind a bare CR or LF */
	bool		only_dot;
	unsigned int	lost_code;	/* the answer to come; 0: the exchanger's */
	size_t		early_at, early_len;	/* what the exchanger said too soon */
	unsigned int	early_code;
	size_t		chunk_left;
	bool		chunk_up, chunk_last;
};

void model_start(struct model *m, const struct owner *owner, unsigned int refused_code);
void model_client(struct model *m, const char *data, size_t len);
void model_server(struct model *m, const char *data, size_t len);
void model_verdict(struct model *m, enum verdict_action action);
/* Something happened whose effect is the engine's choice. */
void model_loosen(struct model *m);
/* Is the engine where the model is? NULL, or what is wrong. */
const char *model_check(struct model *m);
/* Are all words allowed, is it as strict as RFC 5321 has it? model_path.c */
enum model_sure { MODEL_SURE, MODEL_WRONG, MODEL_UNSURE };
enum model_sure model_path(const char *args, const char *word, uint64_t *size, bool *binary);
/* An EHLO reply as the client must get it, appended to @out. model_path.c */
bool model_ehlo(const struct conf_class *class, const struct bytes *lines, struct bytes *out,
		bool *pipelining, bool *chunking);

#endif
