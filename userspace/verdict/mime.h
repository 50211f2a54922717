/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds the text of a message while it streams: header and body told apart,
 * multipart boundaries followed some levels deep, attached messages entered,
 * Content-Transfer-Encoding undone (RFC 2045, 2046). It keeps nothing but
 * state of fixed size, and its output does not depend on how the input was cut.
 *
 * It does not convert character sets and does not decode RFC 2047 words.
 */
#ifndef VERDICT_MIME_H
#define VERDICT_MIME_H

#include <stdbool.h>
#include <stddef.h>

#include "verdict/decode.h"

/* Levels of multipart followed; what lies deeper is read as plain text. */
#define MIME_DEPTH	8
/* Longest boundary followed (RFC 2046 allows 70). */
#define MIME_BOUNDARY	200
/* Octets of one Content-... field that are looked at, folds included. */
#define MIME_FIELD	1024
/* Decoded text is handed on in blocks of this size. */
#define MIME_BLOCK	4096

struct mime_text {
	const char	*data;
	size_t		len;
	bool		decoded;	/* its transfer encoding was undone */
	bool		html;		/* may be HTML */
};

struct mime_ops {
	/* Octets of the message's own header, line ends included. */
	void (*header)(void *owner, const char *data, size_t len);
	/* Octets of the message's body, as they are. */
	void (*body)(void *owner, const char *data, size_t len);
	/* Text of a part; what is not text is left out. */
	void (*text)(void *owner, const struct mime_text *text);
	/* The own header, or a part, ended. */
	void (*part)(void *owner);
};

struct mime_level {
	char		boundary[MIME_BOUNDARY];
	size_t		len;
};

enum mime_state { MIME_FIELDS, MIME_CONTENT };

/* What the fields of a part say of it. */
struct mime_part {
	bool		type_seen, encoding_seen;	/* the first field counts */
	bool		message;	/* an attached message: its fields follow */
	bool		html;		/* may be HTML */
	bool		skip;		/* pictures, sound, ...: no text */
	enum decode_kind encoding;
	size_t		boundary_len;	/* of a multipart about to begin, else 0 */
	char		boundary[MIME_BOUNDARY];
};

struct mime {
	const struct mime_ops *ops;
	void		*owner;
	enum mime_state	state;
	bool		body;		/* the message's own header is over */
	bool		cut;		/* a limit above was met */
	bool		line_start;	/* next octet begins a line */
	bool		line_held;	/* MIME_CONTENT: `line` may become a boundary */
	bool		line_field;	/* MIME_FIELDS: it is a field, no need to hold more */
	size_t		line_len;
	char		line[MIME_BOUNDARY + 8];	/* current line as far as held */
	size_t		replay_len;	/* octets of `line` that were held for a field */
	size_t		field_len;
	char		field[MIME_FIELD];		/* current field with its folds */
	struct mime_part part;		/* in progress */
	struct decode	decode;
	size_t		depth;
	struct mime_level level[MIME_DEPTH];
	size_t		block_len;
	char		block[MIME_BLOCK];		/* decoded, not yet handed on */
};

/* Begin a message; @ops and @owner outlive it. */
void mime_init(struct mime *m, const struct mime_ops *ops, void *owner);

/* Next octets. */
void mime_feed(struct mime *m, const char *data, size_t len);

/* No more octets will come. */
void mime_end(struct mime *m);

#endif
