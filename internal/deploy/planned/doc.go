// Package planned is the plan of a deployment as a document: what it says, its JSON form
// with a digest, and its text for a terminal and for a comment on a pull request.
//
// Names and values in it come from the app and from CloudFormation: they are hostile.
// [Plan.Text] writes for a terminal that shows only inert text, and [Markdown] puts all of
// them into blocks of code.
package planned
