/* SPDX-License-Identifier: MIT */
#ifndef VU_MSOCKET_H
#define VU_MSOCKET_H

/*
 * Calls that a view adds to the kernel's. On a kernel without View-OS they
 * answer ENOSYS, as any unknown number does.
 */
enum vu_call {
	VU_CALL_FIRST	= 7000,
	VU_CALL_SERVICE	= 7000,	/* (): a connection to the monitor, see service/protocol.md */
	VU_CALL_ENTER	= 7001,	/* (view): the calling process enters a view it has made */
	VU_CALL_MSOCKET	= 7002,	/* (path, domain, type, protocol): a socket on a given stack */
	VU_CALL_BECOME	= 7003,	/* (): the calling thread becomes root in its view */
	VU_CALL_LAST	= 7031,
};

#endif
