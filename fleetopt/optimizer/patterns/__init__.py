"""The solution method for large cases: strong bounds from patterns, plans from pieces.

A *pattern* is a whole-number way to serve one workload at one time: all that hangs together when the nodes in
service are left out. The relaxation mixes fractions of replicas, so it is cheap; a mix of patterns is dearer and still
a bound. For any prices p on a piece's columns v,

    p v  >=  min { p u : u a pattern of the piece }

holds for every plan. Priced at the duals of the relaxation the right side is found exactly by a small integer program
(its bound, not its incumbent, is used), and the inequality becomes one more row. With the rows at the best prices the
relaxation is as strong as the column-generation master over all patterns (Geoffrion, Math. Prog. Study 2, 1974; as
cuts: Zou, Ahmed, Sun, Math. Prog. 175, 2019), and it is still the one formulation, only with more rows: a feature
that this method has never heard of is in it.

A workload whose replicas only carry traffic and take up GPUs is *plain*: most are. Its patterns need no pricing. Of
others more is said: they are *tied*, and at prices of GPUs each is a small program at a time.

    bounding   rounds of relaxation and of rows that follow from rounding demands up     relaxed, rounding
               then of rows that price patterns of what is tied                          tied, pricing
    fixing     whole numbers for what is tied, at the prices of the relaxation           fixing
    searching  a first plan around these, patterns chosen for all times at once          plain, covers, search
    choosing   a time's patterns by a small program, whose prices ask for further ones   choosing, times, menus, cards
               then nodes and orders for its replicas                                    completing

The relaxation is solved a block for each time beneath orders from a master, which also says what whole orders cost
hardly more; large searches begin with these                                                blocks, master
Rules that count what times cost are the master's; others over several times are let go at first, and are back where the
optimum breaks them                                                                         counted, relaxed
Where there is no plan by then:

    ordering   columns of no single time made whole, the rest still relaxed: orders to begin from      placing

Then all go on in the same way:

    placing    orders held, the program falls apart into one small one per time                    placing, opened
    closing    the whole program with the rows, begun from the best plan, while time is left               method

Programs that are written whole also get rows that hold because nodes are whole, after all others         whole_nodes

A program that is too large to be written whole is written for the options of plain workloads that a coarse one uses,
and what the rest could save comes off the bound. It is written a few times after another and kept as arrays, and its
plan is read out in parts:

    narrowing  options worth having, the program with them, and again with what is missing     narrowing, left_out
    writing    parts of the program and the arrays of the whole                                parts, stack
    reading    without the replicas that nobody needs, a part at a time                        needed, parts_readout

docs/decisions/0013, 0016, 0017, 0021 and 0025 to 0029 have the measurements, and what was tried and left.
"""
