/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The links engine: finds URLs in text while it streams and holds each
 * against tbl/links.h. Looks for http:, https: and ftp: with two slashes of
 * either kind, for www. at the start of a word, and in HTML for ="//".
 * Fixed memory; the findings do not depend on how the text was cut.
 */
#ifndef VERDICT_LINKS_H
#define VERDICT_LINKS_H

#include "base/facts.h"
#include "verdict/reference.h"
#include "verdict/url.h"

enum links_state {
	LINKS_SEEK,		/* no URL in progress */
	LINKS_SLASHES,		/* behind the scheme's two slashes; there may be more */
	LINKS_HOST,		/* up to / ? # or backslash */
	LINKS_REST,
};

struct links_ops {
	/* A URL in its normal form (url_text()), NUL-ended. NULL: nobody asks. */
	void (*url)(void *owner, const char *text, size_t len);
};

struct links {
	const struct links_ops *ops;
	void		*owner;
	enum links_state state;
	bool		www;		/* found by "www.": an @ makes it a mail address */
	bool		html;
	uint64_t	past;		/* last eight octets of the text, newest lowest */
	struct reference reference;
	struct url	url;
	uint32_t	found;		/* LINK_BIT()s of the message */
	char		detail[LINK_COUNT][FACTS_DETAIL];	/* of the first of each */
};

void links_init(struct links *l, const struct links_ops *ops, void *owner);

/* Next octets of a text; @html: character references are undone. */
void links_feed(struct links *l, const char *data, size_t len, bool html);

/* The text ended: what comes next is another one. */
void links_break(struct links *l);

/* Rows as data. */
struct link_row {
	const char	*rule;
	int32_t		score;
	const char	*text;
};
extern const struct link_row link_rows[LINK_COUNT];

#endif
