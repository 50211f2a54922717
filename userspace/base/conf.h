/* SPDX-License-Identifier: GPL-2.0 */
/*
 * postern.conf as plain data. The fields are the rows of tbl/params.h.
 * Read once, then const; whoever needs a setting gets a pointer to its struct.
 */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "postern/abi.h"

#define CONF_NUM(name)	int64_t name;
#define CONF_SPAN(name)	uint64_t name;	/* ns */
#define CONF_TEXT(name)	char *name;	/* never NULL; owned by struct conf */
#define CONF_FLAG(name)	bool name;
#define CONF_WORD(name)	int name;

/* Values of the WORD parameters, in the order of their lists. */
enum conf_side { CONF_SIDE_SUBSCRIBER, CONF_SIDE_UPSTREAM };
enum conf_xdp { CONF_XDP_AUTO, CONF_XDP_NATIVE, CONF_XDP_GENERIC, CONF_XDP_OFF };
enum conf_auth { CONF_AUTH_REFUSE, CONF_AUTH_HIDE, CONF_AUTH_PASS };
enum conf_starttls { CONF_STARTTLS_HIDE, CONF_STARTTLS_REFUSE, CONF_STARTTLS_PASS };
enum conf_chunking { CONF_CHUNKING_HIDE, CONF_CHUNKING_PASS };
enum conf_newlines { CONF_NEWLINES_REFUSE, CONF_NEWLINES_NORMALISE };
enum conf_upstream_port { CONF_UPSTREAM_PORT_NEW, CONF_UPSTREAM_PORT_SAME };
enum conf_refused { CONF_REFUSED_RESET, CONF_REFUSED_GREET };
enum conf_where { CONF_WHERE_HEADER, CONF_WHERE_BODY, CONF_WHERE_URL };

struct conf_interface {
	char *title;		/* interface name */
#define PARAM_INTERFACE(name, kind, def, low, high, unit, text) CONF_##kind(name)
#include "tbl/params.h"
};

struct conf_class {
	char *title;
#define PARAM_CLASS(name, kind, def, low, high, unit, text) CONF_##kind(name)
#include "tbl/params.h"
};

struct conf_pool {
	char *title;		/* as written */
	struct postern_prefix prefix;
#define PARAM_POOL(name, kind, def, low, high, unit, text) CONF_##kind(name)
#include "tbl/params.h"
	int class_id;		/* index into conf->classes */
};			/* `line` is never 0 here: 32 or 64 stand for it */

struct conf_destination {
	char *title;
	struct postern_prefix prefix;
#define PARAM_DESTINATION(name, kind, def, low, high, unit, text) CONF_##kind(name)
#include "tbl/params.h"
	int class_id;		/* -1 for rule = pass */
};

struct conf_rule {
	char *title;
	int pattern_line;	/* in conf->file; 0 = not from a file */
#define PARAM_RULE(name, kind, def, low, high, unit, text) CONF_##kind(name)
#include "tbl/params.h"
};

struct conf {
	char *file;		/* where it was read from, "" for the defaults */
#define PARAM_GLOBAL(name, kind, def, low, high, unit, text) CONF_##kind(name)
#include "tbl/params.h"
	struct conf_interface *interfaces;
	size_t interface_count;
	struct conf_class *classes;	/* [0] is always "default" */
	size_t class_count;		/* at most POSTERN_MAX_CLASSES */
	struct conf_pool *pools;
	size_t pool_count;
	struct conf_destination *destinations;
	size_t destination_count;
	struct conf_rule *rules;
	size_t rule_count;
};

#undef CONF_NUM
#undef CONF_SPAN
#undef CONF_TEXT
#undef CONF_FLAG
#undef CONF_WORD

/* The file read when none is named; POSTERN_CONF in the environment wins. */
#define CONF_DEFAULT_FILE "/etc/postern/postern.conf"

/*
 * Read and check a configuration. @file NULL means $POSTERN_CONF, else
 * CONF_DEFAULT_FILE, and when that one does not exist, the defaults.
 *
 * Returns 0 and a configuration that conf_free() releases, or -EINVAL with
 * every fault in @err, one line each, as "FILE:LINE: what is wrong, what was
 * expected" (a broken grammar ends the reading, so that faults behind it show
 * at the next try); -ENOENT when a named file is not there; -errno otherwise.
 * @err then holds one line that says so. Not thread-safe.
 */
int conf_read(const char *file, struct conf **out, char *err, size_t err_size);

/* Release; NULL is fine. */
void conf_free(struct conf *conf);

/* Number of worker threads: as configured, or one per processor; 1..POSTERN_KEEPER_ROW. */
unsigned int conf_workers(const struct conf *conf);

/* Index of the class called @name, or -1. */
int conf_class_find(const struct conf *conf, const char *name);

#endif
