// SPDX-License-Identifier: GPL-2.0
/* Running the tables: rows.h. */
#include "rows.h"

#include <criterion/criterion.h>

#include "names.h"

static void check_count(struct rig *r, const struct row *row)
{
	uint64_t all = rig_count_all(r);
	unsigned int i;

	if (row->reason == POSTERN_R_none) {
		cr_expect_eq(all, 0, "%s: nothing may be counted", row->name);
	} else {
		cr_expect_eq(rig_count(r, row->reason), 1, "%s: %s not counted", row->name,
			     reason_names[row->reason]);
		cr_expect_eq(all, 1, "%s: %d reasons counted", row->name, (int)all);
	}
	for (i = 0; i < POSTERN_R_COUNT; i++) {
		if (i != row->reason && rig_count(r, i))
			cr_log_warn("%s: counted %s\n", row->name, reason_names[i]);
	}
}

static void check_event(struct rig *r, const struct row *row)
{
	unsigned int want = row->reason != POSTERN_R_none && !row->silent;

	rig_events(r);
	cr_expect_eq(r->event_count, want, "%s: %u events", row->name, r->event_count);
	if (!want || !r->event_count)
		return;
	cr_expect_eq(r->event.reason, row->reason, "%s: event of %s", row->name,
		     reason_names[r->event.reason]);
	cr_expect_eq(r->event.would, row->would, "%s: would be %s", row->name,
		     reason_names[r->event.would]);
}

static void run_row(struct rig *r, const struct row *row)
{
	struct outcome o;
	struct frame f;

	rig_reset(r);
	if (row->prepare)
		row->prepare(r);
	frame_build(&f, &row->spec);
	o = rig_run(r, row->program, &f);
	cr_expect_eq(o.verdict, row->verdict, "%s: verdict %d, not %d", row->name, o.verdict,
		     row->verdict);
	if (row->program != SCREEN)
		cr_expect_eq(o.mark, row->marked ? RIG_MARK : 0, "%s: mark 0x%x", row->name,
			     o.mark);
	check_count(r, row);
	check_event(r, row);
	if (row->line)
		cr_expect_eq(rig_flow_flags(r, row->line, LINE_PORT,
					    row->spec.v6 ? MX6 : MX4), row->flow,
			     "%s: flags of the flow", row->name);
}

void rows_run(struct rig *r, const struct rows *rows)
{
	unsigned int i;

	for (i = 0; i < rows->count; i++)
		run_row(r, &rows->row[i]);
}
