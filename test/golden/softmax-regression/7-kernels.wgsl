// contract_then_max_then_exp_then_more: read_write, read, read_write, read_write
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 8>;
@group(0) @binding(1) var<storage, read_write> b0: array<u32, 448>;
@group(0) @binding(2) var<storage, read> b1: array<u32, 128>;
@group(0) @binding(3) var<storage, read_write> b2: array<u32, 128>;
@group(0) @binding(4) var<storage, read_write> b3: array<f32, 512>;

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

fn nabla_is_finite(a0: f32) -> bool {
  return (bitcast<u32>(a0) & 2139095040u) != 2139095040u;
}

@compute @workgroup_size(4, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let p0 = bitcast<i32>(words[0].x);
  let p1 = bitcast<i32>(words[0].y);
  let p2 = bitcast<f32>(words[0].z);
  let p4 = bitcast<f32>(words[1].x);
  let p5 = bitcast<f32>(words[1].y);
  let p6 = bitcast<f32>(words[1].z);
  let p7 = bitcast<f32>(words[1].w);
  let p8 = bitcast<f32>(words[2].x);
  let p9 = bitcast<f32>(words[2].y);
  let p10 = bitcast<f32>(words[2].z);
  let p11 = bitcast<f32>(words[2].w);
  let p12 = bitcast<i32>(words[3].x);
  let p13 = bitcast<i32>(words[3].y);
  let p15 = bitcast<i32>(words[3].w);
  let p16 = bitcast<i32>(words[4].x);
  let p17 = bitcast<i32>(words[4].y);
  let p18 = bitcast<i32>(words[4].z);
  let p19 = bitcast<i32>(words[4].w);
  let p21 = bitcast<i32>(words[5].y);
  let p22 = bitcast<i32>(words[5].z);
  let p23 = bitcast<i32>(words[5].w);
  let p24 = bitcast<i32>(words[6].x);
  let p25 = bitcast<i32>(words[6].y);
  let p26 = bitcast<i32>(words[6].z);
  let p27 = bitcast<i32>(words[6].w);
  let p28 = bitcast<i32>(words[7].x);
  let p30 = bitcast<i32>(words[7].z);
  let v0 = (p0 + 3i) / 4i;
  for (var v1: i32 = 0i; v1 < v0; v1++) {
    let v2 = (v1 * 4i) + i32(lane.x);
    let v5 = v2;
    let v17 = p1 * 4i;
    if (v5 < v17) {
      let v7 = v5 / 4i;
      let v6 = v5 - (v7 * 4i);
      let v8 = v7 < p1;
      var v9: f32 = 0.0f;
      let v10 = v7 * 3i;
      let v11 = bitcast<f32>(b1[p18 + v10]);
      let v12 = bitcast<f32>(b0[p12 + v6]);
      let v13 = bitcast<f32>(b1[p18 + (v10 + 1i)]);
      let v14 = bitcast<f32>(b0[p12 + (v6 + 4i)]);
      let v15 = bitcast<f32>(b1[p18 + (v10 + 2i)]);
      let v16 = bitcast<f32>(b0[p12 + (v6 + 8i)]);
      v9 = ((v9 + (v11 * v12)) + (v13 * v14)) + (v15 * v16);
      if (v8) {
        b3[p22 + v5] = v9;
      }
    }
  }
  storageBarrier();
  let v18 = (p1 + 3i) / 4i;
  for (var v19: i32 = 0i; v19 < v18; v19++) {
    let v20 = (v19 * 4i) + i32(lane.x);
    let v23 = v20;
    if (v23 < p1) {
      let v24 = min(v23, 2i);
      var v25: f32 = -3.4028234663852886e+38f;
      let v26 = v24 * 4i;
      let v27 = b3[p22 + v26];
      let v28 = bitcast<f32>(b0[p13 + 0i]);
      let v29 = v27 + v28;
      v25 = max(v25, v29);
      let v30 = (v24 * 4i) + 1i;
      let v31 = b3[p22 + v30];
      let v32 = bitcast<f32>(b0[p13 + 1i]);
      let v33 = v31 + v32;
      v25 = max(v25, v33);
      let v34 = (v24 * 4i) + 2i;
      let v35 = b3[p22 + v34];
      let v36 = bitcast<f32>(b0[p13 + 2i]);
      let v37 = v35 + v36;
      v25 = max(v25, v37);
      let v38 = (v24 * 4i) + 3i;
      let v39 = b3[p22 + v38];
      let v40 = bitcast<f32>(b0[p13 + 3i]);
      let v41 = v39 + v40;
      v25 = max(v25, v41);
      b3[p23 + v24] = v25;
    }
  }
  storageBarrier();
  let v42 = (p0 + 3i) / 4i;
  for (var v43: i32 = 0i; v43 < v42; v43++) {
    let v44 = (v43 * 4i) + i32(lane.x);
    let v47 = v44;
    if (v47 < p0) {
      let v48 = min(v47, 11i);
      let v50 = v48 / 4i;
      let v49 = v48 - (v50 * 4i);
      let v51 = b3[p22 + v48];
      let v52 = bitcast<f32>(b0[p13 + v49]);
      let v53 = b3[p23 + v50];
      b3[p24 + v48] = nabla_exp((v51 + v52) + (-v53));
    }
  }
  storageBarrier();
  let v54 = (p1 + 3i) / 4i;
  for (var v55: i32 = 0i; v55 < v54; v55++) {
    let v56 = (v55 * 4i) + i32(lane.x);
    let v59 = v56;
    if (v59 < p1) {
      let v60 = min(v59, 2i);
      var v61: f32 = 0.0f;
      let v62 = v60 * 4i;
      let v63 = b3[p24 + v62];
      v61 = v61 + v63;
      let v64 = (v60 * 4i) + 1i;
      let v65 = b3[p24 + v64];
      v61 = v61 + v65;
      let v66 = (v60 * 4i) + 2i;
      let v67 = b3[p24 + v66];
      v61 = v61 + v67;
      let v68 = (v60 * 4i) + 3i;
      let v69 = b3[p24 + v68];
      v61 = v61 + v69;
      let v70 = b3[p23 + v60];
      let v71 = bitcast<i32>(b1[p19 + v60]);
      let v72 = min(max(v71, 0i), 3i);
      let v73 = (v60 * 4i) + v72;
      let v74 = b3[p22 + v73];
      let v75 = bitcast<f32>(b0[p13 + v72]);
      b3[p25 + v60] = v61;
      b3[p26 + v60] = (v70 + nabla_log(v61)) + (-(v74 + v75));
    }
  }
  storageBarrier();
  let v76 = (p0 + 3i) / 4i;
  for (var v77: i32 = 0i; v77 < v76; v77++) {
    let v78 = (v77 * 4i) + i32(lane.x);
    let v81 = v78;
    if (v81 < p0) {
      let v82 = min(v81, 11i);
      let v84 = v82 / 4i;
      let v83 = v82 - (v84 * 4i);
      let v85 = b3[p24 + v82];
      let v86 = b3[p25 + v84];
      let v87 = bitcast<i32>(b1[p19 + v84]);
      b3[p27 + v82] = ((v85 / v86) + (-select(0.0f, 1.0f, v83 == v87))) / p2;
    }
  }
  storageBarrier();
  for (var v88: i32 = 0i; v88 < 3i; v88++) {
    let v89 = (v88 * 4i) + i32(lane.x);
    let v92 = v89;
    let v94 = v92 / 4i;
    let v93 = v92 - (v94 * 4i);
    var v95: f32 = 0.0f;
    for (var v96: i32 = 0i; v96 < p1; v96++) {
      let v97 = v94 + (v96 * 3i);
      let v98 = bitcast<f32>(b1[p18 + v97]);
      let v99 = v93 + (v96 * 4i);
      let v100 = b3[p27 + v99];
      v95 = v95 + (v98 * v100);
    }
    b3[p28 + v92] = v95;
  }
  let v103 = i32(lane.x);
  if (v103 < 4i) {
    let p29 = bitcast<i32>(words[7].y);
    let v104 = min(v103, 3i);
    var v105: f32 = 0.0f;
    for (var v106: i32 = 0i; v106 < p1; v106++) {
      let v107 = (v106 * 4i) + v104;
      let v108 = b3[p27 + v107];
      v105 = v105 + v108;
    }
    b3[p29 + v104] = v105;
  }
  storageBarrier();
  let v111 = i32(lane.x);
  if (v111 < 1i) {
    let p3 = bitcast<f32>(words[0].w);
    let p14 = bitcast<i32>(words[3].z);
    let p20 = bitcast<i32>(words[5].x);
    let p29 = bitcast<i32>(words[7].y);
    var v113: f32 = 0.0f;
    for (var v114: i32 = 0i; v114 < p1; v114++) {
      let v115 = b3[p26 + v114];
      v113 = v113 + v115;
    }
    let v116 = v113 / p2;
    let v117 = b0[p14 + 0i];
    var v118: bool = false;
    let v119 = b3[p28 + 0i];
    let v120 = !nabla_is_finite(v119);
    v118 = v118 | v120;
    let v121 = b3[p28 + 1i];
    let v122 = !nabla_is_finite(v121);
    v118 = v118 | v122;
    let v123 = b3[p28 + 2i];
    let v124 = !nabla_is_finite(v123);
    v118 = v118 | v124;
    let v125 = b3[p28 + 3i];
    let v126 = !nabla_is_finite(v125);
    v118 = v118 | v126;
    let v127 = b3[p28 + 4i];
    let v128 = !nabla_is_finite(v127);
    v118 = v118 | v128;
    let v129 = b3[p28 + 5i];
    let v130 = !nabla_is_finite(v129);
    v118 = v118 | v130;
    let v131 = b3[p28 + 6i];
    let v132 = !nabla_is_finite(v131);
    v118 = v118 | v132;
    let v133 = b3[p28 + 7i];
    let v134 = !nabla_is_finite(v133);
    v118 = v118 | v134;
    let v135 = b3[p28 + 8i];
    let v136 = !nabla_is_finite(v135);
    v118 = v118 | v136;
    let v137 = b3[p28 + 9i];
    let v138 = !nabla_is_finite(v137);
    v118 = v118 | v138;
    let v139 = b3[p28 + 10i];
    let v140 = !nabla_is_finite(v139);
    v118 = v118 | v140;
    let v141 = b3[p28 + 11i];
    let v142 = !nabla_is_finite(v141);
    v118 = v118 | v142;
    var v143: bool = false;
    let v144 = b3[p29 + 0i];
    let v145 = !nabla_is_finite(v144);
    v143 = v143 | v145;
    let v146 = b3[p29 + 1i];
    let v147 = !nabla_is_finite(v146);
    v143 = v143 | v147;
    let v148 = b3[p29 + 2i];
    let v149 = !nabla_is_finite(v148);
    v143 = v143 | v149;
    let v150 = b3[p29 + 3i];
    let v151 = !nabla_is_finite(v150);
    v143 = v143 | v151;
    b2[p20 + 0i] = bitcast<u32>(v116);
    b2[p21 + 0i] = select(select(0u, u32(p3), ((!nabla_is_finite(v116)) | v118) | v143), v117, v117 != 0u);
    b0[p14 + 0i] = select(select(0u, u32(p3), ((!nabla_is_finite(v116)) | v118) | v143), v117, v117 != 0u);
  }
  storageBarrier();
  for (var v152: i32 = 0i; v152 < 17i; v152++) {
    let v153 = (v152 * 4i) + i32(lane.x);
    let v156 = v153;
    if (v156 < 68i) {
      let v157 = min(v156, 67i);
      let v158 = b2[p21 + 0i];
      let v159 = v158 == 0u;
      let v160 = bitcast<f32>(b0[p15 + v157]);
      let v161 = b3[p30 + v157];
      let v162 = (v160 * p4) + (v161 * p5);
      let v163 = bitcast<f32>(b0[p16 + v157]);
      let v164 = (v163 * p6) + ((v161 * v161) * p7);
      let v165 = bitcast<f32>(b0[p17 + v157]);
      b0[p15 + v157] = bitcast<u32>(select(v160, v162, v159));
      b0[p16 + v157] = bitcast<u32>(select(v163, v164, v159));
      let t0: f32 = -(v164 / p10);
      b0[p17 + v157] = bitcast<u32>(select(v165, v165 + (-(((v162 / p8) * p9) / (sqrt(t0) + p11))), v159));
    }
  }
}
