/* SPDX-License-Identifier: GPL-2.0 */
/* Names and origins of the reasons, from the one table. */
#ifndef PROG_NAMES_H
#define PROG_NAMES_H

#include "postern/reason.h"

enum origin { SCREEN_ROW, STEER_ROW, BACK_ROW, SESSION_ROW, MESSAGE_ROW, NOTE_ROW };

#define REASON(name, origin, effect, text) [POSTERN_R_##name] = #name,
static const char *const reason_names[POSTERN_R_COUNT] __attribute__((unused)) = {
#include "tbl/reasons.h"
};
#undef REASON

#define REASON(name, origin, effect, text) [POSTERN_R_##name] = origin##_ROW,
static const enum origin reason_origins[POSTERN_R_COUNT] __attribute__((unused)) = {
#include "tbl/reasons.h"
};
#undef REASON

#endif
