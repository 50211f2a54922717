// SPDX-License-Identifier: GPL-2.0
/* The rows of tbl/reasons.h as text. */
#include "base/reason.h"

static const struct row {
	const char *name, *origin, *effect, *text;
} rows[POSTERN_R_COUNT + 1] = {
#define REASON(name, origin, effect, text) { #name, #origin, #effect, text },
#include "tbl/reasons.h"
#undef REASON
	{ "unknown", "unknown", "unknown", "a reason of another release" },
};

static const struct row *row_of(unsigned int reason)
{
	return &rows[reason < POSTERN_R_COUNT ? reason : POSTERN_R_COUNT];
}

const char *reason_name(unsigned int reason)
{
	return row_of(reason)->name;
}

const char *reason_origin(unsigned int reason)
{
	return row_of(reason)->origin;
}

const char *reason_effect(unsigned int reason)
{
	return row_of(reason)->effect;
}

const char *reason_text(unsigned int reason)
{
	return row_of(reason)->text;
}
