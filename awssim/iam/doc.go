// Package iam is the simulator's IAM: accounts with their
// administrator's access key, roles with trust and rights, sessions that
// expire, and the decision whether a caller may do something.
package iam
