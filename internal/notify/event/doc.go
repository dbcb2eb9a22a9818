// Package event has the one event by which programs outside of the pipeline learn what
// happens in a run. Notifications, statuses and metrics are its readers. Its JSON form is a
// CloudEvent 1.0 in structured mode, as schema/run-event.schema.json describes it.
package event
