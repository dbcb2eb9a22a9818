package kinds

var network = map[string]kind{
	"AWS::EC2::VPC": {
		id: "vpc-{hex17}",
		attributes: map[string]string{
			"VpcId": "{id}", "CidrBlock": "{prop.CidrBlock}", "DefaultSecurityGroup": "sg-{hex17}", "DefaultNetworkAcl": "acl-{hex17}",
			"Ipv6CidrBlocks": "2600:1f16:{hex4}:{hex2}00::/56", "CidrBlockAssociations": "vpc-cidr-assoc-{hex17}",
		},
	},
	"AWS::EC2::Subnet": {
		id: "subnet-{hex17}",
		attributes: map[string]string{
			"SubnetId": "{id}", "AvailabilityZone": "{prop.AvailabilityZone}", "CidrBlock": "{prop.CidrBlock}", "VpcId": "{prop.VpcId}",
			"Ipv6CidrBlocks": "{prop.Ipv6CidrBlock}", "NetworkAclAssociationId": "aclassoc-{hex17}",
		},
	},
	"AWS::EC2::SecurityGroup": {
		id:         "sg-{hex17}",
		attributes: map[string]string{"GroupId": "{id}", "VpcId": "{prop.VpcId}"},
	},
	"AWS::EC2::SecurityGroupIngress": {id: "sgr-{hex17}"},
	"AWS::EC2::SecurityGroupEgress":  {id: "sgr-{hex17}"},
	"AWS::EC2::InternetGateway":      {id: "igw-{hex17}"},
	"AWS::EC2::VPCGatewayAttachment": {id: "IGW|{prop.VpcId}"},
	"AWS::EC2::NatGateway": {
		id:         "nat-{hex17}",
		attributes: map[string]string{"NatGatewayId": "{id}"},
	},
	"AWS::EC2::EIP": {
		id:         "198.51.100.1{dig1}",
		attributes: map[string]string{"AllocationId": "eipalloc-{hex17}", "PublicIp": "{id}"},
	},
	"AWS::EC2::RouteTable": {
		id:         "rtb-{hex17}",
		attributes: map[string]string{"RouteTableId": "{id}"},
	},
	"AWS::EC2::Route": {
		id: "{prop.RouteTableId}|{prop.DestinationCidrBlock}",
	},
	"AWS::EC2::SubnetRouteTableAssociation": {
		id: "rtbassoc-{hex17}",
	},
	"AWS::EC2::VPCEndpoint": {
		id: "vpce-{hex17}",
		attributes: map[string]string{
			"DnsEntries":          "Z{up13}:{id}-{low8}.{last.ServiceName}.vpce.{suffix},Z{up13}:{last.ServiceName}",
			"NetworkInterfaceIds": "eni-{hex17},eni-{hex17}",
			"CreationTimestamp":   "2026-01-01T00:00:00Z", "Id": "{id}",
		},
	},
	"AWS::ElasticLoadBalancingV2::LoadBalancer": {
		id: "arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/app/{low12}/{hex16}",
		attributes: map[string]string{
			"LoadBalancerArn": "{id}", "LoadBalancerFullName": "app/{last}", "LoadBalancerName": "{last}",
			"DNSName": "{last}.{region}.elb.{suffix}", "CanonicalHostedZoneID": "Z{up13}",
		},
	},
	"AWS::ElasticLoadBalancingV2::TargetGroup": {
		id:         "arn:{partition}:elasticloadbalancing:{region}:{account}:targetgroup/{low12}/{hex16}",
		attributes: map[string]string{"TargetGroupArn": "{id}", "TargetGroupFullName": "targetgroup/{last}"},
	},
	"AWS::ElasticLoadBalancingV2::Listener": {
		id:         "arn:{partition}:elasticloadbalancing:{region}:{account}:listener/app/{low12}/{hex16}/{hex16}",
		attributes: map[string]string{"ListenerArn": "{id}"},
	},
	"AWS::Route53::HostedZone": {
		id: "Z{up20}",
		attributes: map[string]string{
			"Id":          "{id}",
			"NameServers": "ns-{dig3}.awsdns-{dig2}.com,ns-{dig3}.awsdns-{dig2}.net,ns-{dig3}.awsdns-{dig2}.org,ns-{dig3}.awsdns-{dig2}.co.uk",
		},
	},
	"AWS::Route53::RecordSet": {
		id: "{prop.Name}",
	},
}
