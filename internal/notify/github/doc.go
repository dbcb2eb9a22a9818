// Package github shows in a repository at GitHub, or at GitHub Enterprise Server, what came of
// runs: as statuses of the commit, as deployments, and as a comment on a pull request. What it
// shows comes from code of the repository, and is cleaned before it is sent. A run never waits
// for GitHub longer than its caller says.
package github
