package wire

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
)

// Reply is a complete response.
type Reply struct {
	Status int
	Code   string // of an error
	Type   string // content type; empty for one that the header has, or for none
	Header http.Header
	Body   []byte
	Stream io.ReadCloser // follows the body; it is closed after it was sent
}

// Write sends the reply. A HEAD gets no body.
func (r Reply) Write(w http.ResponseWriter, call *Call) {
	defer r.Close()
	maps.Copy(w.Header(), r.Header)
	if r.Type != "" {
		w.Header().Set("Content-Type", r.Type)
	}
	w.Header().Set("x-amzn-RequestId", call.RequestID)
	w.WriteHeader(r.Status)
	if call.HTTP.Method == http.MethodHead || r.Status == http.StatusNotModified {
		return
	}
	_, err := w.Write(r.Body)
	if err == nil && r.Stream != nil {
		_, _ = io.Copy(w, r.Stream) // a client that went away is its own problem
	}
}

// Close releases a reply, sent or not.
func (r Reply) Close() {
	if r.Stream != nil {
		_ = r.Stream.Close() // it was only read
	}
}

// Answer is the result of an operation of a REST protocol that chooses status
// and headers by itself.
type Answer struct {
	Status   int // 0 is 200
	Header   http.Header
	Document any           // rendered as XML
	Text     string        // a body that is written as it is, of the header's Content-Type
	Stream   io.ReadCloser // a body that is long
}

const (
	typeXML     = "text/xml"
	typeRestXML = "application/xml"
	typeJSON    = "application/x-amz-json-1.1"
	typeCBOR    = "application/cbor"
)

// success renders the result of a call. A nil result is an empty one.
func (s Service) success(call *Call, result any) (Reply, error) {
	if answer, chosen := result.(*Answer); chosen {
		return answer.reply(call)
	}
	if s.Protocol == JSON {
		if result == nil {
			result = struct{}{}
		}
		body, err := json.Marshal(result)
		return Reply{Status: http.StatusOK, Type: typeJSON, Body: body}, err
	}
	if s.Protocol == CBOR {
		if result == nil {
			result = struct{}{}
		}
		body, err := cborEncoding.Marshal(result)
		return Reply{Status: http.StatusOK, Type: typeCBOR, Header: http.Header{"Smithy-Protocol": {SmithyCBOR}}, Body: body}, err
	}
	body, err := s.envelope(call, result)
	return Reply{Status: http.StatusOK, Type: typeXML, Body: body}, err
}

func (a *Answer) reply(call *Call) (Reply, error) {
	reply := Reply{Status: cmp.Or(a.Status, http.StatusOK), Header: a.Header, Body: []byte(a.Text), Stream: a.Stream}
	if reply.Header == nil {
		reply.Header = http.Header{}
	}
	restHeader(reply.Header, call)
	if a.Document != nil {
		text, err := xml.Marshal(a.Document)
		if err != nil {
			return Reply{}, fmt.Errorf("rendering the answer of %s: %w", call.Operation, err)
		}
		reply.Type, reply.Body = typeRestXML, append([]byte(xml.Header), text...)
	}
	return reply, nil
}

func restHeader(header http.Header, call *Call) {
	header.Set("x-amz-request-id", call.RequestID)
	header.Set("x-amz-id-2", "aphex-aws-simulator")
}

func (s Service) envelope(call *Call, result any) ([]byte, error) {
	members, err := members(result)
	if err != nil {
		return nil, fmt.Errorf("rendering the answer of %s: %w", call.Operation, err)
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	fmt.Fprintf(&b, `<%sResponse xmlns="%s">`, call.Operation, s.Namespace)
	switch s.Protocol {
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
// and is reported as one.
func (p Protocol) Failure(call *Call, err error) Reply {
	e, requestID := p.Spoken(err), call.RequestID
	reply := Reply{Status: e.Status, Code: e.Code, Type: typeXML, Header: http.Header{}}
	for name, value := range e.Header {
		reply.Header.Set(name, value)
	}
	switch p {
	case JSON:
		reply.Type = typeJSON
		reply.Body = jsonError(e)
	case RestJSON:
		reply.Type = "application/json"
		reply.Header.Set("X-Amzn-ErrorType", e.Code)
		reply.Body = jsonError(e)
	case CBOR:
		reply.Type = typeCBOR
		reply.Header.Set("Smithy-Protocol", SmithyCBOR)
		reply.Body = cborError(e)
	case EC2Query:
		reply.Body = fmt.Appendf(nil, "%s<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>%s</RequestID></Response>",
			xml.Header, escape(e.Code), escape(e.Message), requestID)
	case RestXML:
		reply.Type = typeRestXML
		restHeader(reply.Header, call)
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

// SmithyCBOR is the Smithy-Protocol header of CBOR.
const SmithyCBOR = "rpc-v2-cbor"

// cborError writes a map of two texts.
func cborError(e *Error) []byte {
	body := []byte{0xa0 | 2}
	for _, text := range []string{"__type", e.Code, "message", e.Message} {
		body = append(body, 0x60|26) // a text whose length follows in four bytes
		body = binary.BigEndian.AppendUint32(body, uint32(len(text)))
		body = append(body, text...)
	}
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
