package command

import "sync"

var hurried = make(chan struct{})

// Hurry cuts the grace of all commands that are being stopped, for a person who asks this
// process to stop a second time. It is for the rest of the process.
var Hurry = sync.OnceFunc(func() { close(hurried) })

// Hurried is closed by Hurry.
func Hurried() <-chan struct{} { return hurried }
