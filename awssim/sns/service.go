// Package sns simulates the topics of SNS: those that are created, and those that stacks have
// deployed. What is published is kept; nobody is subscribed.
package sns

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/inventory"
	"github.com/aphex/aphex-pipeline/awssim/policy"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// Topic is a topic with what was published to it, oldest first.
type Topic struct {
	ARN      string
	Messages []Message
}

// Message is a published message.
type Message struct {
	ID         string
	Subject    string
	Message    string
	Structure  string // json or empty
	Attributes map[string]string
}

// Store holds the topics of every account and region. It is safe for concurrent use.
type Store struct {
	wire.Table[Topic]
	deployed inventory.Source
}

// New makes an empty store beside the topics that stacks have deployed.
func New(deployed inventory.Source) *Store { return &Store{deployed: deployed} }

// Messages returns what was published to a topic.
func (s *Store) Messages(arn string) []Message {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	place, name, _ := parse(arn)
	return slices.Clone(s.Places[place][name].Messages)
}

// Service is SNS over the store.
func (s *Store) Service() wire.Service {
	return wire.Service{Name: "sns", Protocol: wire.Query, Namespace: "http://sns.amazonaws.com/doc/2010-03-31/", Operations: map[string]wire.Handler{
		"CreateTopic": wire.Plain(s.create, "Name"),
		"ListTopics":  wire.Plain(s.list),
		"Publish":     wire.Plain(s.publish, "TopicArn", "Subject", "Message", "MessageStructure", "MessageAttributes.entry.Name", "MessageAttributes.entry.Value.DataType", "MessageAttributes.entry.Value.StringValue"),
	}}
}

// parse returns the place and the name of a topic.
func parse(arn string) (place, name string, ok bool) {
	parts := strings.Split(arn, ":")
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "sns" {
		return "", "", false
	}
	return wire.Place(parts[4], parts[3]), parts[5], true
}

var topicName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

type arnOf struct {
	TopicARN string `xml:"TopicArn"`
}

func (s *Store) create(call *wire.Call) (any, error) {
	name := call.Form.Get("Name")
	arn := call.ARN("sns", name)
	if err := call.Permit("sns:CreateTopic", arn); err != nil {
		return nil, err
	}
	if !topicName.MatchString(name) {
		return nil, invalid("Topic Name")
	}
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if _, exists := s.Places[call.Place()][name]; !exists {
		s.Set(call.Place(), name, Topic{ARN: arn})
	}
	return arnOf{arn}, nil
}

func invalid(what string) error {
	return wire.Errorf("InvalidParameter", "Invalid parameter: %s", what)
}

func (s *Store) list(call *wire.Call) (any, error) {
	if err := call.Permit("sns:ListTopics", "*"); err != nil {
		return nil, err
	}
	var listed struct {
		Topics []arnOf `xml:"Topics>member"`
	}
	for _, topic := range s.All(call.Place()) {
		listed.Topics = append(listed.Topics, arnOf{topic.ARN})
	}
	for _, r := range s.deployed(call.Caller.Account, call.Region, "AWS::SNS::Topic") {
		listed.Topics = append(listed.Topics, arnOf{r.ID})
	}
	return listed, nil
}

// mostOfMessage is the longest message, in bytes (SNS's API reference, Publish).
const mostOfMessage = 262144

// subject is what SNS accepts as a subject.
var subject = regexp.MustCompile(`^[!-~][ -~]{0,98}$`)

func (s *Store) publish(call *wire.Call) (any, error) {
	arn, message := call.Form.Get("TopicArn"), Message{
		ID: call.RequestID, Subject: call.Form.Get("Subject"), Message: call.Form.Get("Message"), Structure: call.Form.Get("MessageStructure"), Attributes: attributes(call),
	}
	place, name, ok := parse(arn)
	if !ok {
		return nil, invalid("TopicArn")
	}
	owner, region, _ := strings.Cut(place, "/")
	if err := call.Guard(policy.Question{Action: "sns:Publish", Resource: arn, Account: owner}); err != nil {
		return nil, err
	}
	var forms map[string]string
	switch {
	case message.Subject != "" && !subject.MatchString(message.Subject):
		return nil, invalid("Subject")
	case message.Message == "":
		return nil, invalid("Empty message")
	case len(message.Message) > mostOfMessage:
		return nil, invalid("Message too long")
	case message.Structure == "json" && (json.Unmarshal([]byte(message.Message), &forms) != nil || forms["default"] == ""):
		return nil, invalid("Message Structure - No default entry in JSON message body")
	case message.Structure != "" && message.Structure != "json":
		return nil, invalid("MessageStructure")
	}
	s.Mu.Lock()
	defer s.Mu.Unlock()
	topic, exists := s.Places[place][name]
	if !exists && !s.isDeployed(owner, region, arn) {
		return nil, wire.Errorf("NotFound", "Topic does not exist").WithStatus(404)
	}
	topic.ARN, topic.Messages = arn, append(slices.Clone(topic.Messages), message)
	s.Set(place, name, topic)
	return struct {
		MessageID string `xml:"MessageId"`
	}{message.ID}, nil
}

func (s *Store) isDeployed(account, region, arn string) bool {
	return slices.ContainsFunc(s.deployed(account, region, "AWS::SNS::Topic"), func(r inventory.Resource) bool {
		return r.ID == arn || strings.HasSuffix(arn, ":"+r.Text("TopicName"))
	})
}

func attributes(call *wire.Call) map[string]string {
	all := map[string]string{}
	for i := 1; ; i++ {
		entry := "MessageAttributes.entry." + strconv.Itoa(i)
		if !call.Form.Has(entry + ".Name") {
			return all
		}
		all[call.Form.Get(entry+".Name")] = call.Form.Get(entry + ".Value.StringValue")
	}
}
