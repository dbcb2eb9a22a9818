package kinds

var directories = map[string]kind{
	"AWS::DirectoryService::MicrosoftAD": {
		id:         "d-{hex10}",
		attributes: map[string]string{"Alias": "{id}", "DnsIpAddresses": "10.0.0.{dig2},10.0.1.{dig2}"},
	},
	"AWS::DirectoryService::SimpleAD": {
		id:         "d-{hex10}",
		attributes: map[string]string{"Alias": "{id}", "DirectoryId": "{id}", "DnsIpAddresses": "10.0.0.{dig2},10.0.1.{dig2}"},
	},
}
