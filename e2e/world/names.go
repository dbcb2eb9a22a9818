package world

import (
	"net"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// serveNames is a DNS server: it resolves the given hosts to here, and no others. It ends
// when the connection is closed.
func serveNames(connection net.PacketConn, here netip.Addr, hosts ...string) {
	buffer := make([]byte, 1500)
	for {
		length, from, err := connection.ReadFrom(buffer)
		if err != nil {
			return
		}
		if reply, err := resolve(buffer[:length], here, hosts); err == nil {
			_, _ = connection.WriteTo(reply, from) // clients retry
		}
	}
}

func resolve(query []byte, here netip.Addr, hosts []string) ([]byte, error) {
	var message dnsmessage.Message
	if err := message.Unpack(query); err != nil || len(message.Questions) == 0 {
		return nil, err
	}
	message.Response, message.Authoritative, message.RCode = true, true, dnsmessage.RCodeNameError
	message.Additionals = nil
	question := message.Questions[0]
	for _, host := range hosts {
		if !strings.EqualFold(question.Name.String(), host+".") {
			continue
		}
		message.RCode = dnsmessage.RCodeSuccess
		if question.Type == dnsmessage.TypeA {
			message.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: question.Class, TTL: 60},
				Body:   &dnsmessage.AResource{A: here.As4()},
			}}
		}
	}
	return message.Pack()
}
