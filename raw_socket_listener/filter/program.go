package filter

import "golang.org/x/net/bpf"

// jumpReach is how many compares share one landing place: a conditional jump
// goes over at most 255 instructions.
const jumpReach = 200

// A label is a place in a program that jumps can name before it is known.
type label int

// program writes BPF instructions whose jumps are of any length: conditional
// jumps only skip the next instruction, an unconditional one, which has 32
// bits for its distance.
type program struct {
	ins   []bpf.Instruction
	marks []int           // by label, the index of the instruction it stands before
	jumps []pendingTarget // in order of at
}

type pendingTarget struct {
	at int
	to label
}

func (p *program) add(ins ...bpf.Instruction) { p.ins = append(p.ins, ins...) }

func (p *program) label() label {
	p.marks = append(p.marks, -1)
	return label(len(p.marks) - 1)
}

// mark puts l before the next instruction.
func (p *program) mark(l label) { p.marks[l] = len(p.ins) }

func (p *program) jump(to label) {
	p.jumps = append(p.jumps, pendingTarget{at: len(p.ins), to: to})
	p.add(bpf.Jump{})
}

func (p *program) jumpIf(cond bpf.JumpTest, val uint32, to label) {
	p.add(bpf.JumpIf{Cond: cond, Val: val, SkipFalse: 1})
	p.jump(to)
}

// jumpIfAny jumps when A is one of values.
func (p *program) jumpIfAny(values []uint32, to label) {
	for len(values) > 0 {
		n := min(len(values), jumpReach)
		for i, v := range values[:n] {
			// On a match go behind the other compares and the jump over the landing.
			p.add(bpf.JumpIf{Cond: bpf.JumpEqual, Val: v, SkipTrue: uint8(n - i)})
		}
		p.add(bpf.Jump{Skip: 1})
		p.jump(to)
		values = values[n:]
	}
}

// resolve gives the program with the distance of every jump filled in. All
// labels lie ahead of the jumps to them, except that rejecting may lie behind:
// such jumps become the instruction that they would reach.
func (p *program) resolve() []bpf.Instruction {
	for _, j := range p.jumps {
		target := p.marks[j.to]
		if target <= j.at {
			p.ins[j.at] = p.ins[target]
			continue
		}
		p.ins[j.at] = bpf.Jump{Skip: uint32(target - j.at - 1)}
	}
	return p.ins
}
