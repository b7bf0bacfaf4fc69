package gbdt

// mersenne is the generator MT19937 (Matsumoto and Nishimura 1998; C++'s std::mt19937), of which LightGBM draws how it rounds gradients.
type mersenne struct {
	state [624]uint32
	at    int
}

func newMersenne(seed uint32) *mersenne {
	m := &mersenne{at: len(mersenne{}.state)}
	m.state[0] = seed
	for i := uint32(1); i < uint32(len(m.state)); i++ {
		before := m.state[i-1]
		m.state[i] = 1812433253*(before^before>>30) + i
	}
	return m
}

func (m *mersenne) next() uint32 {
	const n, ahead = len(m.state), 397
	if m.at == n {
		for i := range m.state {
			y := m.state[i]&0x80000000 | m.state[(i+1)%n]&0x7fffffff
			m.state[i] = m.state[(i+ahead)%n] ^ y>>1
			if y&1 != 0 {
				m.state[i] ^= 0x9908b0df
			}
		}
		m.at = 0
	}
	y := m.state[m.at]
	m.at++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// unit is a number from 0 to 1 as std::uniform_real_distribution<double> makes it (libstdc++).
func (m *mersenne) unit() float64 {
	low := float64(m.next())
	return (low + float64(m.next())*(1<<32)) / (1 << 64)
}

// upTo is a number from 0 to n as std::uniform_int_distribution<int> makes it (libstdc++; Lemire 2019).
func (m *mersenne) upTo(n uint32) uint32 {
	span := n + 1
	product := uint64(m.next()) * uint64(span)
	if low := uint32(product); low < span {
		for least := -span % span; low < least; low = uint32(product) {
			product = uint64(m.next()) * uint64(span)
		}
	}
	return uint32(product >> 32)
}
