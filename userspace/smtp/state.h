/* SPDX-License-Identifier: GPL-2.0 */
/* The engine's state. Private to smtp/: others embed it and look away. */
#ifndef SMTP_STATE_H
#define SMTP_STATE_H

struct smtp {
	const struct smtp_env	*env;
	const struct smtp_ops	*ops;
	void			*owner;
};

#endif
