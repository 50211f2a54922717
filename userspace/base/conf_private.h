/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the configuration reader share; for base/conf*.c alone. */
#ifndef BASE_CONF_PRIVATE_H
#define BASE_CONF_PRIVATE_H

#include <confuse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"

enum conf_kind { CONF_KIND_NUM, CONF_KIND_SPAN, CONF_KIND_TEXT, CONF_KIND_FLAG, CONF_KIND_WORD };

/* A row of tbl/params.h. */
struct conf_param {
	const char	*name;
	enum conf_kind	kind;
	const char	*def;
	int64_t		low, high;	/* NUM: the value; SPAN: seconds; TEXT: octets */
	const char	*unit;		/* WORD: the list, "a|b|c" */
	size_t		offset;		/* of the field in its struct */
};

/* A kind of titled section. Every struct of one begins with its title. */
struct conf_section {
	const char	*name;
	const struct conf_param *params;
	size_t		param_count;
	size_t		size;		/* of the struct */
	size_t		rows_at;		/* offset in struct conf of the array */
	size_t		count_at;
	size_t		most;		/* of them in a file */
	const char	*first;	/* title of the one that is always there, at index 0 */
};

#define CONF_SECTIONS		5
#define CONF_MOST_PARAMS	30	/* of a kind of section */

extern const struct conf_param conf_globals[];
extern const size_t conf_global_count;
extern const struct conf_section conf_sections[CONF_SECTIONS];

struct conf_fault {
	int	line;			/* 0 = the file as a whole */
	char	*text;			/* what is wrong, what was expected */
};

struct conf_faults {
	struct conf_fault *rows;
	size_t		count;
	bool		no_memory;
};

/* Note a fault. */
void conf_fault(struct conf_faults *f, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Make a file fit for libconfuse, in place: comments become blanks, because it
 * miscounts their lines, and what it would swallow or replace in silence
 * becomes a fault. @text has @len octets and a NUL behind them.
 */
void conf_clean(char *text, size_t len, struct conf_faults *faults);

/*
 * Parse one value into the field of @base that @p describes. Returns 0, or
 * -EINVAL after a fault; -ENOMEM.
 */
int conf_value(const struct conf_param *p, const char *text, void *base, int line,
	       struct conf_faults *faults);

/* Set the field to the row's default, which may lie outside of what a file may say. */
void conf_default(const struct conf_param *p, void *base, struct conf_faults *faults);

/* A parsed file: for the lines of faults that are found late, too. */
struct conf_origin {
	cfg_t		*cfg;
	struct conf_faults *faults;
	bool		stopped;	/* the grammar was broken; the rest was not read */
};

/* A value as written. */
struct conf_given {
	int		line;
	char		text[];
};

/* Parse a cleaned text. Returns 0 (see faults and `stopped`) or -ENOMEM. */
int conf_parse(struct conf_origin *origin, char *text, size_t len);

/* Release what conf_parse() made; not after its -ENOMEM. */
void conf_parse_end(struct conf_origin *origin);

/* What the file gives for @param in this section, or NULL. */
const struct conf_given *conf_given(cfg_t *cfg, const char *param);

/*
 * Line on which @param stands in the section @kind "@title" (@kind NULL for
 * the parameters outside sections); where it is not given, the section's line.
 */
int conf_line(const struct conf_origin *origin, const char *kind, const char *title,
	      const char *param);

/* Checks across rows; fills the derived fields: prefix, class_id, a pool's line. */
void conf_check(struct conf *conf, const struct conf_origin *origin,
		struct conf_faults *faults);

#endif
