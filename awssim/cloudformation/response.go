package cloudformation

import (
	"bytes"
	"encoding/xml"
)

// namespace is that of every CloudFormation answer.
const namespace = "http://cloudformation.amazonaws.com/doc/2010-05-15/"

// Response is the result of a call.
type Response struct {
	operation string
	result    node
}

// XML renders the awsquery body: <OpResponse><OpResult>…</OpResult>
// <ResponseMetadata>…</OpResponse>.
func (r Response) XML(requestID string) []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	b.WriteString("<" + r.operation + `Response xmlns="` + namespace + `">`)
	r.result.write(&b, r.operation+"Result")
	writeRequestID(&b, requestID)
	b.WriteString("</" + r.operation + "Response>")
	return b.Bytes()
}

// XML renders the awsquery error body.
func (e *Error) XML(requestID string) []byte {
	kind := "Sender"
	if e.Status >= 500 {
		kind = "Receiver"
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	b.WriteString(`<ErrorResponse xmlns="` + namespace + `">`)
	fields(text("Type", kind), text("Code", e.Code), text("Message", e.Message)).write(&b, "Error")
	text("RequestId", requestID).write(&b)
	b.WriteString("</ErrorResponse>")
	return b.Bytes()
}

func writeRequestID(b *bytes.Buffer, requestID string) {
	fields(text("RequestId", requestID)).write(b, "ResponseMetadata")
}
