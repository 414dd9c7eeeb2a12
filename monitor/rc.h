/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MONITOR_RC_H
#define MONITOR_RC_H

struct umvu;

/*
 * Run the rc files, in the first guest: the system's, then the user's (or
 * the one of -f). One that fails is reported and the view goes on.
 * Return: 0, or the exit status when the file of -f is not there
 */
int rc_run(const struct umvu *u);

#endif
