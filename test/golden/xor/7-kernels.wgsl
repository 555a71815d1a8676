// contract_tanh_then_contract_sigmoid_then_contract_then_more: read_write, read, read_write, read_write
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 6>;
@group(0) @binding(1) var<storage, read_write> b0: array<u32, 320>;
@group(0) @binding(2) var<storage, read> b1: array<f32, 128>;
@group(0) @binding(3) var<storage, read_write> b2: array<u32, 128>;
@group(0) @binding(4) var<storage, read_write> b3: array<f32, 512>;

fn nabla_tanh(a0: f32) -> f32 {
  let v1: f32 = abs(a0);
  let v2: f32 = select(v1, 10.0f, (v1 > 10.0f));
  let v3: f32 = v2 + v2;
  let v4: f32 = floor((v3 * 1.4426950216293335f) + 0.5f);
  let v5: f32 = (v3 - (v4 * 0.693115234375f)) - (v4 * 0.00003194618329871446f);
  let t0: f32 = (((0.0013926250394433737f * v5) + 0.00836323294788599f) * v5) + 0.04166655242443085f;
  let v6: f32 = v5 + ((v5 * v5) * ((((t0 * v5) + 0.16666576266288757f) * v5) + 0.5f));
  let v7: f32 = bitcast<f32>(((bitcast<u32>(v4 + 12582912.0f) + 127u) << 23u));
  let v8: f32 = (v7 * v6) + (v7 - 1.0f);
  let v9: f32 = v8 / (v8 + 2.0f);
  return select(v9, -v9, (a0 < 0.0f));
}

fn nabla_exp_below(a0: f32) -> f32 {
  let v1: f32 = floor((a0 * 1.4426950216293335f) + 0.5f);
  let v2: f32 = (a0 - (v1 * 0.693115234375f)) - (v1 * 0.00003194618329871446f);
  let t0: f32 = (((0.0013926250394433737f * v2) + 0.00836323294788599f) * v2) + 0.04166655242443085f;
  let v3: f32 = v2 + ((v2 * v2) * ((((t0 * v2) + 0.16666576266288757f) * v2) + 0.5f));
  let t1: f32 = v1 + 12582912.0f;
  return select(((v3 + 1.0f) * bitcast<f32>(((bitcast<u32>(t1) + 127u) << 23u))), 0.0f, (a0 < (-87.33654022216797f)));
}

fn nabla_sigmoid(a0: f32) -> f32 {
  let v1: f32 = nabla_exp_below(-abs(a0));
  return select(1.0f, v1, (a0 < 0.0f)) / (1.0f + v1);
}

fn nabla_exp(a0: f32) -> f32 {
  let v1: f32 = floor((a0 * 1.4426950216293335f) + 0.5f);
  let v2: f32 = (a0 - (v1 * 0.693115234375f)) - (v1 * 0.00003194618329871446f);
  let t0: f32 = (((0.0013926250394433737f * v2) + 0.00836323294788599f) * v2) + 0.04166655242443085f;
  let v3: f32 = v2 + ((v2 * v2) * ((((t0 * v2) + 0.16666576266288757f) * v2) + 0.5f));
  let v4: f32 = bitcast<f32>((bitcast<u32>(v3 + 1.0f) + (bitcast<u32>(v1 + 12582912.0f) << 23u)));
  return select(select(select(a0, 3.4028234663852886e+38f, (a0 > 88.72283172607422f)), v4, (a0 <= 88.72283172607422f)), 0.0f, (a0 < (-87.33654022216797f)));
}

fn nabla_log(a0: f32) -> f32 {
  let v1: bool = a0 < 1.1754943508222875e-38f;
  let v2: f32 = select(a0, a0 * 16777216.0f, v1);
  let v3: u32 = bitcast<u32>(v2);
  let v4: f32 = bitcast<f32>((v3 & 8388607u) | 1065353216u);
  let v5: f32 = f32((i32(((v3 >> 23u) & 255u)) - select(127i, 151i, v1)));
  let v6: bool = v4 > 1.4142135381698608f;
  let v7: f32 = select(v5, v5 + 1.0f, v6);
  let v8: f32 = select(v4, v4 * 0.5f, v6) - 1.0f;
  let v9: f32 = v8 / (2.0f + v8);
  let v10: f32 = v9 * v9;
  let t0: f32 = (((0.2333216816186905f * v10) + 0.28550758957862854f) * v10) + 0.4000012278556824f;
  let v11: f32 = v8 - (v9 * (v8 - (v10 * ((t0 * v10) + 0.6666666865348816f))));
  let v12: f32 = (v7 * 0.693115234375f) + ((v7 * 0.00003194618329871446f) + v11);
  let v13: u32 = bitcast<u32>(a0);
  let v14: f32 = select(v12, a0, (v13 & 2139095040u) == 2139095040u);
  let v15: f32 = bitcast<f32>(((v13 & 0u) | select(4286578688u, 2143289344u, (a0 < 0.0f))));
  return select(v14, v15, (v2 < 1.1754943508222875e-38f));
}

fn nabla_log1p(a0: f32) -> f32 {
  let v1: bool = (a0 > (-0.29280000925064087f)) & (a0 < 0.4142000079154968f);
  let v2: f32 = select(0.0f, a0, v1);
  let v3: f32 = v2 / (2.0f + v2);
  let v4: f32 = v3 * v3;
  let t0: f32 = (((0.2333216816186905f * v4) + 0.28550758957862854f) * v4) + 0.4000012278556824f;
  let v5: f32 = v2 - (v3 * (v2 - (v4 * ((t0 * v4) + 0.6666666865348816f))));
  return select(nabla_log(1.0f + a0), v5, v1);
}

fn nabla_is_finite(a0: f32) -> bool {
  return (bitcast<u32>(a0) & 2139095040u) != 2139095040u;
}

@compute @workgroup_size(4, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let p0 = bitcast<i32>(words[0].x);
  let p1 = bitcast<i32>(words[0].y);
  let p2 = bitcast<f32>(words[0].z);
  let p4 = bitcast<i32>(words[1].x);
  let p5 = bitcast<i32>(words[1].y);
  let p6 = bitcast<i32>(words[1].z);
  let p7 = bitcast<i32>(words[1].w);
  let p9 = bitcast<i32>(words[2].y);
  let p10 = bitcast<i32>(words[2].z);
  let p11 = bitcast<i32>(words[2].w);
  let p13 = bitcast<i32>(words[3].y);
  let p14 = bitcast<i32>(words[3].z);
  let p15 = bitcast<i32>(words[3].w);
  let p16 = bitcast<i32>(words[4].x);
  let p17 = bitcast<i32>(words[4].y);
  let p18 = bitcast<i32>(words[4].z);
  let p19 = bitcast<i32>(words[4].w);
  let p22 = bitcast<i32>(words[5].z);
  let v0 = (p0 + 3i) / 4i;
  for (var v1: i32 = 0i; v1 < v0; v1++) {
    let v2 = (v1 * 4i) + i32(lane.x);
    let v5 = v2;
    let v16 = p1 * 4i;
    if (v5 < v16) {
      let v7 = v5 / 4i;
      let v6 = v5 - (v7 * 4i);
      let v8 = v7 < p1;
      var v9: f32 = 0.0f;
      let v10 = v7 * 2i;
      let v11 = b1[p10 + v10];
      let v12 = bitcast<f32>(b0[p4 + v6]);
      let v13 = b1[p10 + (v10 + 1i)];
      let v14 = bitcast<f32>(b0[p4 + (v6 + 4i)]);
      v9 = (v9 + (v11 * v12)) + (v13 * v14);
      let v15 = bitcast<f32>(b0[p5 + v6]);
      if (v8) {
        b3[p14 + v5] = nabla_tanh(v9 + v15);
      }
    }
  }
  storageBarrier();
  let v17 = (p1 + 3i) / 4i;
  for (var v18: i32 = 0i; v18 < v17; v18++) {
    let v19 = (v18 * 4i) + i32(lane.x);
    let v22 = v19;
    if (v22 < p1) {
      let v23 = v22 < p1;
      var v24: f32 = 0.0f;
      let v26 = b3[p14 + ((v22 * 4i) + 0i)];
      let v28 = b3[p14 + ((v22 * 4i) + 1i)];
      let v30 = b3[p14 + ((v22 * 4i) + 2i)];
      let v32 = b3[p14 + ((v22 * 4i) + 3i)];
      let v27 = bitcast<f32>(b0[p6 + 0i]);
      let v29 = bitcast<f32>(b0[p6 + 1i]);
      let v31 = bitcast<f32>(b0[p6 + 2i]);
      let v33 = bitcast<f32>(b0[p6 + 3i]);
      v24 = (((v24 + (v27 * v26)) + (v29 * v28)) + (v31 * v30)) + (v33 * v32);
      let v34 = bitcast<f32>(b0[p7 + 0i]);
      let v35 = b1[p11 + v22];
      if (v23) {
        b3[p15 + v22] = v24;
        b3[p16 + v22] = (nabla_sigmoid(v24 + v34) + (-v35)) / p2;
      }
    }
  }
  storageBarrier();
  let v36 = (p0 + 3i) / 4i;
  for (var v37: i32 = 0i; v37 < v36; v37++) {
    let v38 = (v37 * 4i) + i32(lane.x);
    let v41 = v38;
    if (v41 < p0) {
      let v42 = min(v41, 15i);
      let v44 = v42 / 4i;
      let v43 = v42 - (v44 * 4i);
      let v45 = b3[p16 + v44];
      let v46 = bitcast<f32>(b0[p6 + v43]);
      let v47 = b3[p14 + v42];
      b3[p17 + v42] = (v45 * v46) * ((-(v47 * v47)) + 1.0f);
    }
  }
  let v50 = i32(lane.x);
  var v51: f32 = 0.0f;
  let v52 = p1 / 2i;
  for (var v53: i32 = 0i; v53 < v52; v53++) {
    let v54 = v53 * 2i;
    let v55 = v50 + (v54 * 4i);
    let v56 = b3[p14 + v55];
    let v57 = b3[p16 + v54];
    let v58 = b3[p14 + (v55 + 4i)];
    let v59 = b3[p16 + (v54 + 1i)];
    v51 = (v51 + (v57 * v56)) + (v59 * v58);
  }
  let v60 = v52 * 2i;
  for (var v61: i32 = v60; v61 < p1; v61++) {
    let v62 = v50 + (v61 * 4i);
    let v63 = b3[p14 + v62];
    let v64 = b3[p16 + v61];
    v51 = v51 + (v64 * v63);
  }
  b3[p18 + v50] = v51;
  storageBarrier();
  for (var v65: i32 = 0i; v65 < 2i; v65++) {
    let v66 = (v65 * 4i) + i32(lane.x);
    let v69 = v66;
    let v71 = v69 / 4i;
    let v70 = v69 - (v71 * 4i);
    var v72: f32 = 0.0f;
    let v73 = p1 / 2i;
    for (var v74: i32 = 0i; v74 < v73; v74++) {
      let v75 = v74 * 2i;
      let v76 = v71 + (v75 * 2i);
      let v77 = b1[p10 + v76];
      let v78 = v70 + (v75 * 4i);
      let v79 = b3[p17 + v78];
      let v80 = b1[p10 + (v76 + 2i)];
      let v81 = b3[p17 + (v78 + 4i)];
      v72 = (v72 + (v77 * v79)) + (v80 * v81);
    }
    let v82 = v73 * 2i;
    for (var v83: i32 = v82; v83 < p1; v83++) {
      let v84 = v71 + (v83 * 2i);
      let v85 = b1[p10 + v84];
      let v86 = v70 + (v83 * 4i);
      let v87 = b3[p17 + v86];
      v72 = v72 + (v85 * v87);
    }
    b3[p19 + v69] = v72;
  }
  let v90 = i32(lane.x);
  if (v90 < 4i) {
    let p20 = bitcast<i32>(words[5].x);
    let v91 = min(v90, 3i);
    var v92: f32 = 0.0f;
    for (var v93: i32 = 0i; v93 < p1; v93++) {
      let v94 = (v93 * 4i) + v91;
      let v95 = b3[p17 + v94];
      v92 = v92 + v95;
    }
    b3[p20 + v91] = v92;
  }
  storageBarrier();
  let v98 = i32(lane.x);
  if (v98 < 1i) {
    let p3 = bitcast<f32>(words[0].w);
    let p8 = bitcast<i32>(words[2].x);
    let p12 = bitcast<i32>(words[3].x);
    let p20 = bitcast<i32>(words[5].x);
    let p21 = bitcast<i32>(words[5].y);
    let v100 = bitcast<f32>(b0[p7 + 0i]);
    var v101: f32 = 0.0f;
    for (var v102: i32 = 0i; v102 < p1; v102++) {
      let v103 = b3[p15 + v102];
      let v104 = v103 + v100;
      let v105 = select(0.0f, v104, (v104 > 0.0f));
      let v106 = b1[p11 + v102];
      let v107 = (v105 + nabla_log1p(nabla_exp(select(v104, -v104, (v105 > 0.0f))))) + (-(v106 * v104));
      v101 = v101 + v107;
    }
    let v108 = v101 / p2;
    let v109 = b0[p8 + 0i];
    var v110: bool = false;
    for (var v111: i32 = 0i; v111 < 2i; v111++) {
      for (var v112: i32 = 0i; v112 < 4i; v112++) {
        let v113 = (v111 * 4i) + v112;
        let v114 = b3[p19 + v113];
        let v115 = !nabla_is_finite(v114);
        v110 = v110 | v115;
      }
    }
    var v116: bool = false;
    for (var v117: i32 = 0i; v117 < 4i; v117++) {
      let v118 = b3[p20 + v117];
      let v119 = !nabla_is_finite(v118);
      v116 = v116 | v119;
    }
    var v120: bool = false;
    for (var v121: i32 = 0i; v121 < 4i; v121++) {
      let v122 = b3[p18 + v121];
      let v123 = !nabla_is_finite(v122);
      v120 = v120 | v123;
    }
    var v124: f32 = 0.0f;
    for (var v125: i32 = 0i; v125 < p1; v125++) {
      let v126 = b3[p16 + v125];
      v124 = v124 + v126;
    }
    let t0: bool = !nabla_is_finite(v108);
    let v127 = select(select(0u, u32(p3), (((t0 | v110) | v116) | v120) | (!nabla_is_finite(v124))), v109, v109 != 0u);
    b2[p12 + 0i] = bitcast<u32>(v108);
    b2[p13 + 0i] = v127;
    b0[p8 + 0i] = v127;
    b3[p21 + 0i] = v124;
  }
  storageBarrier();
  for (var v128: i32 = 0i; v128 < 49i; v128++) {
    let v129 = (v128 * 4i) + i32(lane.x);
    let v132 = v129;
    if (v132 < 193i) {
      let v133 = min(v132, 192i);
      let v134 = b2[p13 + 0i];
      let v135 = bitcast<f32>(b0[p9 + v133]);
      let v136 = b3[p22 + v133];
      b0[p9 + v133] = bitcast<u32>(select(v135, v135 + (v136 * (-0.5f)), v134 == 0u));
    }
  }
}
