// SPDX-License-Identifier: GPL-2.0
/* A kernel decision as a line of JSON. */
#include "control/decision.h"

#include <arpa/inet.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/reason.h"

static const char *hook_name(unsigned int hook)
{
	static const char *const names[] = {
		[POSTERN_HOOK_SCREEN] = "screen",
		[POSTERN_HOOK_STEER] = "steer",
		[POSTERN_HOOK_BACK] = "back",
	};

	return hook < sizeof(names) / sizeof(names[0]) ? names[hook] : "unknown";
}

int decision_line(const struct postern_event *e, uint64_t wall, char *buf, size_t size)
{
	char addr[ADDR_TEXT], time[CLOCK_TEXT];
	struct json j;

	json_begin(&j, buf, size);
	json_text(&j, "time", clock_text(wall, time));
	json_text(&j, "event", "decision");
	json_text(&j, "hook", hook_name(e->hook));
	json_text(&j, "reason", reason_name(e->reason));
	json_text(&j, "effect", reason_effect(e->reason));
	if (e->would)
		json_text(&j, "would", reason_name(e->would));
	json_text(&j, "source", addr_text(&e->src, addr));
	json_number(&j, "source_port", ntohs(e->sport));
	json_text(&j, "destination", addr_text(&e->dst, addr));
	json_number(&j, "destination_port", ntohs(e->dport));
	json_number(&j, "interface", e->ifindex);
	json_number(&j, "tcp_flags", e->tcp_flags);
	return json_end(&j);
}
