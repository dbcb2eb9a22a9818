// Package notify tells the targets of a configuration about an event: topics, chats and
// servers. It works beside the run: a target that does not answer costs it a few seconds,
// and never its outcome.
package notify
