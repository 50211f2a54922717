/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One URL, taken apart by the finder (links.h): what does software make of
 * its host, and which rows of tbl/links.h are met? RFC 3986 and, where
 * programs differ from it, the WHATWG URL standard.
 */
#ifndef VERDICT_URL_H
#define VERDICT_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK(name, rule, score, text) LINK_##name,
enum link {
#include "tbl/links.h"
	LINK_COUNT
};
#undef LINK

#define LINK_BIT(name) (1u << LINK_##name)

/* Longest host kept: a name has at most 253 octets, encoded thrice that. */
#define URL_HOST	768
#define URL_USER	256
#define URL_REST	1024
/* Longest normal form, final NUL included. */
#define URL_TEXT	(8 + URL_HOST + URL_REST)

/* As found: peer octets, cut to the sizes above. */
struct url {
	const char	*scheme;	/* "http", "https" or "ftp" */
	bool		has_user;
	bool		reference;	/* a letter or digit of the host was an HTML reference */
	bool		backslash;	/* the host ended in a backslash */
	bool		backslash_at;	/* ... and an @ followed */
	uint32_t	found;		/* LINK_BIT()s known before the judging */
	size_t		user_len;
	size_t		host_len;
	size_t		rest_len;
	char		user[URL_USER];
	char		host[URL_HOST];	/* with port */
	char		rest[URL_REST];	/* path and query, first octet / ? # or backslash */
};

/* The host as software reads it: decoded, in lower case, without port. */
struct url_host {
	size_t	len;			/* 0: there is none */
	char	text[URL_HOST];
};

/* Read the host of @url into @host. Returns the LINK_BIT()s met, 0 without a host. */
uint32_t url_judge(const struct url *url, struct url_host *host);

/*
 * Write the normal form, "scheme://host/path" and a NUL: user part and port
 * left out, needlessly encoded octets of the path decoded (RFC 3986, section
 * 6.2.2.2). Returns its length.
 */
size_t url_text(const struct url *url, const struct url_host *host, char text[URL_TEXT]);

/* What the user part @user alone shows: LINK_BIT(user_...). */
uint32_t url_user_judge(const char *scheme, const char *user, size_t len);

#endif
