// Package world provides the services around an isolated cluster: AWS (the simulator),
// GitHub (git and the statuses of commits), the npm registry, and DNS.
package world
