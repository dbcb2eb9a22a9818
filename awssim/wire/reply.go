package wire

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
)

// Reply is a whole answer of the awsquery, ec2query and JSON protocols.
type Reply struct {
	Status int
	Type   string // content type
	Header map[string]string
	Body   []byte
}

// Write sends the reply.
func (r Reply) Write(w http.ResponseWriter, requestID string) {
	for name, value := range r.Header {
		w.Header().Set(name, value)
	}
	w.Header().Set("Content-Type", r.Type)
	w.Header().Set("x-amzn-RequestId", requestID)
	w.WriteHeader(r.Status)
	_, _ = w.Write(r.Body) // a client that went away is its own problem
}

const (
	typeXML  = "text/xml"
	typeJSON = "application/x-amz-json-1.1"
)

// Success renders the result of a call. A nil result is an empty one.
func (p Protocol) Success(call *Call, result any) (Reply, error) {
	if p == JSON {
		if result == nil {
			result = struct{}{}
		}
		body, err := json.Marshal(result)
		return Reply{Status: http.StatusOK, Type: typeJSON, Body: body}, err
	}
	body, err := p.envelope(call, result)
	return Reply{Status: http.StatusOK, Type: typeXML, Body: body}, err
}

func (p Protocol) envelope(call *Call, result any) ([]byte, error) {
	members, err := members(result)
	if err != nil {
		return nil, fmt.Errorf("rendering the answer of %s: %w", call.Operation, err)
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	fmt.Fprintf(&b, `<%sResponse xmlns="%s">`, call.Operation, namespaces[call.Service])
	switch p {
	case Rest:
		b.Write(members)
	case EC2Query:
		fmt.Fprintf(&b, "<requestId>%s</requestId>%s", call.RequestID, members)
	default:
		fmt.Fprintf(&b, "<%[1]sResult>%[2]s</%[1]sResult>", call.Operation, members)
		fmt.Fprintf(&b, "<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata>", call.RequestID)
	}
	fmt.Fprintf(&b, "</%sResponse>", call.Operation)
	return b.Bytes(), nil
}

// namespaces are the XML namespaces of the query services.
var namespaces = map[string]string{
	"sts": "https://sts.amazonaws.com/doc/2011-06-15/",
	"iam": "https://iam.amazonaws.com/doc/2010-05-08/",
	"ec2": "http://ec2.amazonaws.com/doc/2016-11-15/",

	"elasticloadbalancing": "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
	"route53":              "https://route53.amazonaws.com/doc/2013-04-01/",
}

// members renders a struct's fields without the element around them.
func members(result any) ([]byte, error) {
	if result == nil {
		return nil, nil
	}
	var b bytes.Buffer
	encoder := xml.NewEncoder(&b)
	if err := encoder.EncodeElement(result, xml.StartElement{Name: xml.Name{Local: "x"}}); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(bytes.TrimPrefix(b.Bytes(), []byte("<x>")), []byte("</x>")), nil
}

// Failure renders an error. What is not an *Error is a fault of the simulator
// and says so.
func (p Protocol) Failure(requestID string, err error) Reply {
	e := p.Spoken(err)
	reply := Reply{Status: e.Status, Type: typeXML, Header: e.Header}
	switch p {
	case JSON:
		reply.Type = typeJSON
		reply.Body = jsonError(e)
	case EC2Query:
		reply.Body = fmt.Appendf(nil, "%s<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>%s</RequestID></Response>",
			xml.Header, escape(e.Code), escape(e.Message), requestID)
	case RestXML:
		reply.Type = "application/xml"
		reply.Body = restError(e, requestID)
	default:
		reply.Body = fmt.Appendf(nil, "%s<ErrorResponse><Error><Type>%s</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>%s</RequestId></ErrorResponse>",
			xml.Header, blame(e), escape(e.Code), escape(e.Message), requestID)
	}
	return reply
}

// Spoken is the error with the code and status it has in the protocol.
func (p Protocol) Spoken(err error) *Error {
	var e *Error
	if !errors.As(err, &e) {
		e = Commonf(InternalError, "the simulator failed: %v", err)
	}
	return p.spoken(e)
}

func blame(e *Error) string {
	if e.Status >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}

func jsonError(e *Error) []byte {
	document := map[string]string{"__type": e.Code, "message": e.Message, "Message": e.Message}
	for name, value := range e.Fields {
		document[name] = value
	}
	body, _ := json.Marshal(document) // a map of texts cannot fail
	return body
}

func restError(e *Error, requestID string) []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	fmt.Fprintf(&b, "<Error><Code>%s</Code><Message>%s</Message>", escape(e.Code), escape(e.Message))
	for name, value := range e.Fields {
		fmt.Fprintf(&b, "<%[1]s>%[2]s</%[1]s>", name, escape(value))
	}
	fmt.Fprintf(&b, "<RequestId>%s</RequestId><HostId>aphex-aws-simulator</HostId></Error>", requestID)
	return b.Bytes()
}

func escape(text string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text)) // a buffer takes everything
	return b.String()
}
