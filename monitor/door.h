/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MONITOR_DOOR_H
#define MONITOR_DOOR_H

struct umvu;

/*
 * Make the service's outside door: u->listen and u->place. A view can do
 * without; then both stay -1 and the log says why.
 */
void door_open(struct umvu *u);

#endif
