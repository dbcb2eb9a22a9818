package template

import (
	"math/big"
	"net/netip"
	"strconv"
)

// fnCidr cuts a block into subnets: [block, count, host bits]. Host bits
// default to 8.
func fnCidr(_ *Env, argument any) (any, error) {
	arguments, ok := textsOf(argument)
	if !ok || len(arguments) < 2 || len(arguments) > 3 {
		return nil, templatef("every Fn::Cidr object requires two or three parameters, the ip block, the count and the cidr bits")
	}
	block, errBlock := netip.ParsePrefix(arguments[0])
	count, errCount := strconv.Atoi(arguments[1])
	bits := 8
	var errBits error
	if len(arguments) == 3 {
		bits, errBits = strconv.Atoi(arguments[2])
	}
	if errBlock != nil || errCount != nil || errBits != nil || count < 1 || count > 256 {
		return nil, templatef("Fn::Cidr cannot work with %q", arguments)
	}
	length := block.Addr().BitLen() - bits
	if bits < 1 || length < block.Bits() || !fits(count, length-block.Bits()) {
		return nil, templatef("Fn::Cidr can not fit %d blocks of %d bits into %s", count, bits, arguments[0])
	}
	return subnets(block, count, bits, length), nil
}

func fits(count, bits int) bool { return bits >= 9 || count <= 1<<bits }

func subnets(block netip.Prefix, count, bits, length int) []any {
	base := new(big.Int).SetBytes(block.Masked().Addr().AsSlice())
	step := new(big.Int).Lsh(big.NewInt(1), uint(bits))
	result := make([]any, 0, count)
	for range count {
		raw := base.FillBytes(make([]byte, block.Addr().BitLen()/8))
		address, _ := netip.AddrFromSlice(raw)
		result = append(result, netip.PrefixFrom(address, length).String())
		base = new(big.Int).Add(base, step)
	}
	return result
}
