/* SPDX-License-Identifier: GPL-2.0 */
/* The rows of tbl/reasons.h as an enum; the number is the counter's index. */
#ifndef POSTERN_REASON_H
#define POSTERN_REASON_H

#define REASON(name, origin, effect, text) POSTERN_R_##name,
enum postern_reason {
#include "tbl/reasons.h"
	POSTERN_R_COUNT
};
#undef REASON

#endif
