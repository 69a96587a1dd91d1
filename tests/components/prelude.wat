;; What all guests of this folder have: the contract's functions, memory, and verdicts in the canonical ABI.
;; Memory: 64 the verdict, 256 the finding, 512 what calls return, 1024 texts, 2048 to 8191 the guest's own, then the list
;; of its rules, and from 65536 on what the host hands over. $pack is the address of its description, $nothing that of one
;; without rules.
(import "karpcheck:rules/inventory@0.1.0" "select" (func $select (param i32 i32 i32)))
(import "karpcheck:rules/inventory@0.1.0" "get" (func $get (param i32 i32 i32 i32)))
(import "karpcheck:rules/inventory@0.1.0" "same"
  (func $same (param i32 i32 i32 i32 i32 i32) (result i32)))
(import "karpcheck:rules/inventory@0.1.0" "find" (func $find (param i32 i32 i32 i32)))
(import "karpcheck:rules/inventory@0.1.0" "views" (func $views (param i32 i32 i32 i32)))
(import "karpcheck:rules/inventory@0.1.0" "open" (func $open (param i32 i32 i32 i32)))
(import "karpcheck:rules/inventory@0.1.0" "matches" (func $matches (param i32 i32 i32 i32 i32) (result i32)))
(import "karpcheck:rules/inventory@0.1.0" "related" (func $related (param i32 i32 i32 i32)))
(import "karpcheck:rules/inventory@0.1.0" "referrers" (func $referrers (param i32 i32 i32 i32)))
(import "karpcheck:rules/inventory@0.1.0" "peers" (func $peers (param i32 i32 i32 i32 i32 i32 i32 i32)))
(import "karpcheck:rules/inventory@0.1.0" "setting" (func $setting (param i32 i32 i32)))
(import "karpcheck:rules/inventory@0.1.0" "log" (func $log (param i32 i32)))
(import "karpcheck:rules/inventory@0.1.0" "decide"
  (func $decide (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
(memory (export "memory") 3)
(global $heap (mut i32) (i32.const 65536))
(data (i32.const 1024) "it is as it should not be")

(func (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
  (local $at i32)
  (local $pages i32)
  (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
  (global.set $heap (i32.add (local.get $at) (local.get $size)))
  (local.set $pages (i32.sub (i32.shr_u (i32.add (global.get $heap) (i32.const 65535)) (i32.const 16)) (memory.size)))
  (if (i32.gt_s (local.get $pages) (i32.const 0)) (then (drop (memory.grow (local.get $pages)))))
  (memory.copy (local.get $at) (local.get $old) (local.get $old-size))
  (local.get $at))

(func (export "karpcheck:rules/rules@0.1.0#check") (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (local $verdict i32)
  (local.set $verdict (call $check (local.get $rule) (local.get $rule-size) (local.get $item)))
  (global.set $heap (i32.const 65536))
  (local.get $verdict))

(func $pass (result i32)
  (i32.store8 (i32.const 64) (i32.const 1))
  (i32.const 64))

;; An unknown whose reason lies at an address.
(func $unknown (param $reason i32) (result i32)
  (i32.store8 (i32.const 64) (i32.const 2))
  (memory.copy (i32.const 68) (local.get $reason) (i32.const 56))
  (i32.const 64))

;; A finding: fail, warning, high, with a message and nothing else. Guests change it before they return it.
(func $finding
  (memory.fill (i32.const 256) (i32.const 0) (i32.const 120))
  (i32.store8 offset=1 (i32.const 256) (i32.const 1))
  (i32.store offset=72 (i32.const 256) (i32.const 1024))
  (i32.store offset=76 (i32.const 256) (i32.const 25)))

(func $found (param $at i32) (param $count i32) (result i32)
  (i32.store8 (i32.const 64) (i32.const 3))
  (i32.store offset=4 (i32.const 64) (local.get $at))
  (i32.store offset=8 (i32.const 64) (local.get $count))
  (i32.const 64))
