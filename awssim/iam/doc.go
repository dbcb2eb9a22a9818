// Package iam simulates IAM: accounts with their administrator's access key, roles with
// trust policies and permissions, sessions that expire, and authorization.
package iam
