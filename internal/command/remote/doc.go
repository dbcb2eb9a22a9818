// Package remote lets another container run the commands of a repository: a server
// there, and a client that is a command.Runner.
//
// The container of the client, ours, may hold tokens; that of the server, theirs,
// holds none, and whatever runs there belongs to the repository. So neither trusts
// the other more than it must:
//
//   - The client makes a secret and sends it with its first request. The server takes
//     the first one that it gets, which is before any command ran, and refuses all
//     requests without it. It keeps it in its memory only, where commands of the same
//     user cannot read it (see Harden). The next client of the run, before which commands
//     ran, has the server prove that it has the secret before it sends it.
//   - The client takes all that comes back for hostile: it is bounded, frames are
//     checked, files are unpacked below one folder and counted.
//   - There is one connection, for the life of the client. Once it has ended, whoever
//     listens at its address is somebody else, so that it is never made again: every
//     call then fails with an error that wraps command.ErrGone.
//
// The protocol is HTTP/2 without TLS, on the loopback interface of a pod or on a Unix
// socket, with one request for each command and for each transfer of files:
//
//	POST /prove             a challenge → proof; the one request without the secret
//	POST /bind              a challenge → proof, root, environment
//	POST /run               length and JSON of a runRequest, then its input → frames
//	POST /stop?id=          stops a command in order; the end of its request does so, too
//	GET  /look?program=     → the path of the program
//	PUT  /files?path=&…     a file, or the tar of a folder
//	GET  /files?path=&…     → a file, or the tar of a folder
//	HEAD /files?path=       → whether there is one
package remote
