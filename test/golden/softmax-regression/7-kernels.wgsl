// contract_then_max_then_exp_then_more: read_write, read, read_write, read_write
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 8>;
@group(0) @binding(1) var<storage, read_write> b0: array<u32, 448>;
@group(0) @binding(2) var<storage, read> b1: array<u32, 128>;
@group(0) @binding(3) var<storage, read_write> b2: array<u32, 128>;
@group(0) @binding(4) var<storage, read_write> b3: array<f32, 512>;

fn nabla_exp_below(a0: f32) -> f32 {
  let v1: f32 = floor((a0 * 1.4426950216293335f) + 0.5f);
  let v2: f32 = (a0 - (v1 * 0.693115234375f)) - (v1 * 0.00003194618329871446f);
  let t0: f32 = (((0.0013926250394433737f * v2) + 0.00836323294788599f) * v2) + 0.04166655242443085f;
  let v3: f32 = v2 + ((v2 * v2) * ((((t0 * v2) + 0.16666576266288757f) * v2) + 0.5f));
  let t1: f32 = v1 + 12582912.0f;
  return select(((v3 + 1.0f) * bitcast<f32>(((bitcast<u32>(t1) + 127u) << 23u))), 0.0f, (a0 < (-87.33654022216797f)));
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
      for (var v26: i32 = 0i; v26 < 4i; v26++) {
        let v27 = (v24 * 4i) + v26;
        let v28 = b3[p22 + v27];
        let v29 = bitcast<f32>(b0[p13 + v26]);
        let v30 = v28 + v29;
        v25 = select(v25, v30, (v30 > v25));
      }
      b3[p23 + v24] = v25;
    }
  }
  storageBarrier();
  let v31 = (p0 + 3i) / 4i;
  for (var v32: i32 = 0i; v32 < v31; v32++) {
    let v33 = (v32 * 4i) + i32(lane.x);
    let v36 = v33;
    if (v36 < p0) {
      let v37 = min(v36, 11i);
      let v39 = v37 / 4i;
      let v38 = v37 - (v39 * 4i);
      let v40 = b3[p22 + v37];
      let v41 = bitcast<f32>(b0[p13 + v38]);
      let v42 = b3[p23 + v39];
      b3[p24 + v37] = nabla_exp_below((v40 + v41) + (-v42));
    }
  }
  storageBarrier();
  let v43 = (p1 + 3i) / 4i;
  for (var v44: i32 = 0i; v44 < v43; v44++) {
    let v45 = (v44 * 4i) + i32(lane.x);
    let v48 = v45;
    if (v48 < p1) {
      let v49 = min(v48, 2i);
      var v50: f32 = 0.0f;
      for (var v51: i32 = 0i; v51 < 4i; v51++) {
        let v52 = (v49 * 4i) + v51;
        let v53 = b3[p24 + v52];
        v50 = v50 + v53;
      }
      let v54 = b3[p23 + v49];
      let v55 = bitcast<i32>(b1[p19 + v49]);
      let v56 = min(max(v55, 0i), 3i);
      let v57 = (v49 * 4i) + v56;
      let v58 = b3[p22 + v57];
      let v59 = bitcast<f32>(b0[p13 + v56]);
      b3[p25 + v49] = v50;
      b3[p26 + v49] = (v54 + nabla_log(v50)) + (-(v58 + v59));
    }
  }
  storageBarrier();
  let v60 = (p0 + 3i) / 4i;
  for (var v61: i32 = 0i; v61 < v60; v61++) {
    let v62 = (v61 * 4i) + i32(lane.x);
    let v65 = v62;
    if (v65 < p0) {
      let v66 = min(v65, 11i);
      let v68 = v66 / 4i;
      let v67 = v66 - (v68 * 4i);
      let v69 = b3[p24 + v66];
      let v70 = b3[p25 + v68];
      let v71 = bitcast<i32>(b1[p19 + v68]);
      b3[p27 + v66] = ((v69 / v70) + (-select(0.0f, 1.0f, v67 == v71))) / p2;
    }
  }
  storageBarrier();
  for (var v72: i32 = 0i; v72 < 3i; v72++) {
    let v73 = (v72 * 4i) + i32(lane.x);
    let v76 = v73;
    let v78 = v76 / 4i;
    let v77 = v76 - (v78 * 4i);
    var v79: f32 = 0.0f;
    for (var v80: i32 = 0i; v80 < p1; v80++) {
      let v81 = v78 + (v80 * 3i);
      let v82 = bitcast<f32>(b1[p18 + v81]);
      let v83 = v77 + (v80 * 4i);
      let v84 = b3[p27 + v83];
      v79 = v79 + (v82 * v84);
    }
    b3[p28 + v76] = v79;
  }
  let v87 = i32(lane.x);
  if (v87 < 4i) {
    let p29 = bitcast<i32>(words[7].y);
    let v88 = min(v87, 3i);
    var v89: f32 = 0.0f;
    for (var v90: i32 = 0i; v90 < p1; v90++) {
      let v91 = (v90 * 4i) + v88;
      let v92 = b3[p27 + v91];
      v89 = v89 + v92;
    }
    b3[p29 + v88] = v89;
  }
  storageBarrier();
  let v95 = i32(lane.x);
  if (v95 < 1i) {
    let p3 = bitcast<f32>(words[0].w);
    let p14 = bitcast<i32>(words[3].z);
    let p20 = bitcast<i32>(words[5].x);
    let p29 = bitcast<i32>(words[7].y);
    var v97: f32 = 0.0f;
    for (var v98: i32 = 0i; v98 < p1; v98++) {
      let v99 = b3[p26 + v98];
      v97 = v97 + v99;
    }
    let v100 = v97 / p2;
    let v101 = b0[p14 + 0i];
    var v102: bool = false;
    for (var v103: i32 = 0i; v103 < 3i; v103++) {
      for (var v104: i32 = 0i; v104 < 4i; v104++) {
        let v105 = (v103 * 4i) + v104;
        let v106 = b3[p28 + v105];
        let v107 = !nabla_is_finite(v106);
        v102 = v102 | v107;
      }
    }
    var v108: bool = false;
    for (var v109: i32 = 0i; v109 < 4i; v109++) {
      let v110 = b3[p29 + v109];
      let v111 = !nabla_is_finite(v110);
      v108 = v108 | v111;
    }
    b2[p20 + 0i] = bitcast<u32>(v100);
    b2[p21 + 0i] = select(select(0u, u32(p3), ((!nabla_is_finite(v100)) | v102) | v108), v101, v101 != 0u);
    b0[p14 + 0i] = select(select(0u, u32(p3), ((!nabla_is_finite(v100)) | v102) | v108), v101, v101 != 0u);
  }
  storageBarrier();
  for (var v112: i32 = 0i; v112 < 17i; v112++) {
    let v113 = (v112 * 4i) + i32(lane.x);
    let v116 = v113;
    if (v116 < 68i) {
      let v117 = min(v116, 67i);
      let v118 = b2[p21 + 0i];
      let v119 = v118 == 0u;
      let v120 = bitcast<f32>(b0[p15 + v117]);
      let v121 = b3[p30 + v117];
      let v122 = (v120 * p4) + (v121 * p5);
      let v123 = bitcast<f32>(b0[p16 + v117]);
      let v124 = (v123 * p6) + ((v121 * v121) * p7);
      let v125 = bitcast<f32>(b0[p17 + v117]);
      b0[p15 + v117] = bitcast<u32>(select(v120, v122, v119));
      b0[p16 + v117] = bitcast<u32>(select(v123, v124, v119));
      let t0: f32 = -(v124 / p10);
      b0[p17 + v117] = bitcast<u32>(select(v125, v125 + (-(((v122 / p8) * p9) / (sqrt(t0) + p11))), v119));
    }
  }
}
