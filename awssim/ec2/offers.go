package ec2

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

type image struct {
	ID           string `xml:"imageId"`
	Name         string `xml:"name"`
	Owner        string `xml:"imageOwnerId"`
	State        string `xml:"imageState"`
	Public       bool   `xml:"isPublic"`
	Created      string `xml:"creationDate"`
	Architecture string `xml:"architecture"`
	Type         string `xml:"imageType"`
	Device       string `xml:"rootDeviceType"`
}

// describeImages has one image for whatever name others' images are asked for
// by: AWS has thousands, and apps that look one up only need that it is there.
// An account has no images of its own.
func describeImages(call *wire.Call) (any, error) {
	if err := call.Permit("ec2:DescribeImages", "*"); err != nil {
		return nil, err
	}
	wanted := image{State: "available", Public: true, Created: "2024-01-01T00:00:00.000Z", Architecture: "x86_64", Type: "machine", Device: "ebs"}
	for i := 1; call.Form.Has(fmt.Sprintf("Filter.%d.Name", i)); i++ {
		value := call.Form.Get(fmt.Sprintf("Filter.%d.Value.1", i))
		switch call.Form.Get(fmt.Sprintf("Filter.%d.Name", i)) {
		case "name":
			wanted.Name = strings.NewReplacer("*", "1", "?", "1").Replace(value)
		case "architecture":
			wanted.Architecture = value
		}
	}
	owners := wire.Flat(call.Form, "Owner")
	var found []image
	switch ids := wire.Flat(call.Form, "ImageId"); {
	case len(ids) > 0:
		for _, id := range ids {
			one := wanted
			one.ID, one.Owner, one.Name = id, "137112412989", or(wanted.Name, id)
			found = append(found, one)
		}
	case wanted.Name != "" && !slices.Contains(owners, "self") && !slices.Contains(owners, call.Caller.Account):
		wanted.Owner = "137112412989" // Amazon's
		if len(owners) > 0 && owners[0] != "amazon" {
			wanted.Owner = owners[0]
		}
		wanted.ID = invented("ami", call.Region, wanted.Owner, wanted.Name, wanted.Architecture)
		found = append(found, wanted)
	}
	return struct {
		Images []image `xml:"imagesSet>item"`
	}{found}, nil
}

func or(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

type endpointService struct {
	Name  string `xml:"serviceName"`
	ID    string `xml:"serviceId"`
	Types []struct {
		Type string `xml:"serviceType"`
	} `xml:"serviceType>item"`
	Zones []string `xml:"availabilityZoneSet>item"`
	Owner string   `xml:"owner"`
}

// describeEndpointServices has every service of AWS that is asked for, in all
// zones.
func describeEndpointServices(call *wire.Call) (any, error) {
	if err := call.Permit("ec2:DescribeVpcEndpointServices", "*"); err != nil {
		return nil, err
	}
	var found []endpointService
	names := wire.Flat(call.Form, "ServiceName")
	for _, name := range names {
		if !strings.HasPrefix(name, "com.amazonaws."+call.Region+".") {
			return nil, wire.Errorf("InvalidServiceName", "The Vpc Endpoint Service '%s' does not exist", name)
		}
		service := endpointService{Name: name, ID: invented("vpce-svc", name), Zones: zoneNames(call.Region), Owner: "amazon"}
		service.Types = append(service.Types, struct {
			Type string `xml:"serviceType"`
		}{"Interface"})
		found = append(found, service)
	}
	return struct {
		Names    []string          `xml:"serviceNameSet>item"`
		Services []endpointService `xml:"serviceDetailSet>item"`
	}{names, found}, nil
}
