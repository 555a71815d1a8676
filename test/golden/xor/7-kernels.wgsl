// contract_tanh: read, read, read, read_write
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 1>;
@group(0) @binding(1) var<storage, read> b0: array<f32, 8>;
@group(0) @binding(2) var<storage, read> b1: array<f32, 8>;
@group(0) @binding(3) var<storage, read> b2: array<f32, 4>;
@group(0) @binding(4) var<storage, read_write> b3: array<f32, 16>;

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

@compute @workgroup_size(4, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let p0 = bitcast<i32>(words[0].x);
  let v0 = (i32(workgroup.x) * 4i) + i32(lane.x);
  let v11 = p0 * 4i;
  if (v0 < v11) {
    let v2 = v0 / 4i;
    let v1 = v0 - (v2 * 4i);
    let v3 = v2 < p0;
    var v4: f32 = 0.0f;
    let v5 = v2 * 2i;
    let v6 = b0[v5];
    let v7 = b1[v1];
    let v8 = b0[v5 + 1i];
    let v9 = b1[v1 + 4i];
    v4 = (v4 + (v6 * v7)) + (v8 * v9);
    let v10 = b2[v1];
    if (v3) {
      b3[v0] = nabla_tanh(v4 + v10);
    }
  }
}

// contract_sigmoid: read_write, read, read, read, read_write, read_write
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 1>;
@group(0) @binding(1) var<storage, read_write> b0: array<vec4<f32>, 4>;
@group(0) @binding(2) var<storage, read> b1: array<vec4<f32>, 1>;
@group(0) @binding(3) var<storage, read> b2: array<f32, 1>;
@group(0) @binding(4) var<storage, read> b3: array<f32, 4>;
@group(0) @binding(5) var<storage, read_write> b4: array<f32, 4>;
@group(0) @binding(6) var<storage, read_write> b5: array<f32, 4>;

fn nabla_exp(a0: f32) -> f32 {
  let v1: f32 = floor((a0 * 1.4426950216293335f) + 0.5f);
  let v2: f32 = (a0 - (v1 * 0.693115234375f)) - (v1 * 0.00003194618329871446f);
  let t0: f32 = (((0.0013926250394433737f * v2) + 0.00836323294788599f) * v2) + 0.04166655242443085f;
  let v3: f32 = v2 + ((v2 * v2) * ((((t0 * v2) + 0.16666576266288757f) * v2) + 0.5f));
  let v4: f32 = bitcast<f32>((bitcast<u32>(v3 + 1.0f) + (bitcast<u32>(v1 + 12582912.0f) << 23u)));
  return select(select(select(a0, 3.4028234663852886e+38f, (a0 > 88.72283172607422f)), v4, (a0 <= 88.72283172607422f)), 0.0f, (a0 < (-87.33654022216797f)));
}

fn nabla_sigmoid(a0: f32) -> f32 {
  let v1: f32 = nabla_exp(-abs(a0));
  return select(1.0f, v1, (a0 < 0.0f)) / (1.0f + v1);
}

@compute @workgroup_size(4, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let p1 = bitcast<i32>(words[0].y);
  let v0 = (i32(workgroup.x) * 4i) + i32(lane.x);
  if (v0 < p1) {
    let p0 = bitcast<f32>(words[0].x);
    let v1 = v0 < p1;
    var v2: f32 = 0.0f;
    let t0 = b0[v0];
    let v4 = t0.x;
    let v6 = t0.y;
    let v8 = t0.z;
    let v10 = t0.w;
    let t1 = b1[0i];
    let v5 = t1.x;
    let v7 = t1.y;
    let v9 = t1.z;
    let v11 = t1.w;
    v2 = (((v2 + (v5 * v4)) + (v7 * v6)) + (v9 * v8)) + (v11 * v10);
    let v12 = b2[0i];
    let v13 = b3[v0];
    if (v1) {
      b4[v0] = v2;
      b5[v0] = (nabla_sigmoid(v2 + v12) + (-v13)) / p0;
    }
  }
}

// contract: read_write, read, read_write, read_write
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 1>;
@group(0) @binding(1) var<storage, read_write> b0: array<f32, 4>;
@group(0) @binding(2) var<storage, read> b1: array<f32, 4>;
@group(0) @binding(3) var<storage, read_write> b2: array<f32, 16>;
@group(0) @binding(4) var<storage, read_write> b3: array<f32, 16>;

@compute @workgroup_size(16, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let p1 = bitcast<i32>(words[0].y);
  let v0 = (i32(workgroup.x) * 16i) + i32(lane.x);
  if (v0 < p1) {
    let v1 = min(v0, 15i);
    let v3 = v1 / 4i;
    let v2 = v1 - (v3 * 4i);
    let v4 = b0[v3];
    let v5 = b1[v2];
    let v6 = b2[v1];
    b3[v1] = (v4 * v5) * ((-(v6 * v6)) + 1.0f);
  }
}

// contract_and_sum: read_write, read_write, read_write, read, read_write, read_write, read_write
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 1>;
@group(0) @binding(1) var<storage, read_write> b0: array<f32, 16>;
@group(0) @binding(2) var<storage, read_write> b1: array<f32, 4>;
@group(0) @binding(3) var<storage, read_write> b2: array<f32, 4>;
@group(0) @binding(4) var<storage, read> b3: array<f32, 8>;
@group(0) @binding(5) var<storage, read_write> b4: array<f32, 16>;
@group(0) @binding(6) var<storage, read_write> b5: array<f32, 8>;
@group(0) @binding(7) var<storage, read_write> b6: array<f32, 4>;

@compute @workgroup_size(16, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  if (i32(workgroup.x) < 1i) {
    let p0 = bitcast<i32>(words[0].x);
    let v0 = (i32(workgroup.x) * 16i) + i32(lane.x);
    if (v0 < 4i) {
      var v1: f32 = 0.0f;
      let v2 = p0 / 2i;
      for (var v3: i32 = 0i; v3 < v2; v3++) {
        let v4 = v3 * 2i;
        let v5 = v0 + (v4 * 4i);
        let v6 = b0[v5];
        let v7 = b1[v4];
        let v8 = b0[v5 + 4i];
        let v9 = b1[v4 + 1i];
        v1 = (v1 + (v7 * v6)) + (v9 * v8);
      }
      let v10 = v2 * 2i;
      for (var v11: i32 = v10; v11 < p0; v11++) {
        let v12 = v0 + (v11 * 4i);
        let v13 = b0[v12];
        let v14 = b1[v11];
        v1 = v1 + (v14 * v13);
      }
      b2[v0] = v1;
    }
  }
  if ((i32(workgroup.x) >= 1i) & (i32(workgroup.x) < 2i)) {
    let p0 = bitcast<i32>(words[0].x);
    let v15 = i32(workgroup.x) - 1i;
    let v16 = (v15 * 16i) + i32(lane.x);
    if (v16 < 8i) {
      let v18 = v16 / 4i;
      let v17 = v16 - (v18 * 4i);
      var v19: f32 = 0.0f;
      let v20 = p0 / 2i;
      for (var v21: i32 = 0i; v21 < v20; v21++) {
        let v22 = v21 * 2i;
        let v23 = v18 + (v22 * 2i);
        let v24 = b3[v23];
        let v25 = v17 + (v22 * 4i);
        let v26 = b4[v25];
        let v27 = b3[v23 + 2i];
        let v28 = b4[v25 + 4i];
        v19 = (v19 + (v24 * v26)) + (v27 * v28);
      }
      let v29 = v20 * 2i;
      for (var v30: i32 = v29; v30 < p0; v30++) {
        let v31 = v18 + (v30 * 2i);
        let v32 = b3[v31];
        let v33 = v17 + (v30 * 4i);
        let v34 = b4[v33];
        v19 = v19 + (v32 * v34);
      }
      b5[v16] = v19;
    }
  }
  if (i32(workgroup.x) >= 2i) {
    let p0 = bitcast<i32>(words[0].x);
    let v35 = i32(workgroup.x) - 2i;
    let v36 = (v35 * 16i) + i32(lane.x);
    if (v36 < 4i) {
      let v37 = min(v36, 3i);
      var v38: f32 = 0.0f;
      for (var v39: i32 = 0i; v39 < p0; v39++) {
        let v40 = (v39 * 4i) + v37;
        let v41 = b4[v40];
        v38 = v38 + v41;
      }
      b6[v37] = v38;
    }
  }
}

// exp_sum_finite_any: read_write, read, read_write, read_write
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 4>;
@group(0) @binding(1) var<storage, read_write> b0: array<u32, 320>;
@group(0) @binding(2) var<storage, read> b1: array<f32, 128>;
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

@compute @workgroup_size(16, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let v0 = (i32(workgroup.x) * 16i) + i32(lane.x);
  if (v0 < 1i) {
    let p0 = bitcast<f32>(words[0].x);
    let p1 = bitcast<f32>(words[0].y);
    let p2 = bitcast<i32>(words[0].z);
    let p3 = bitcast<i32>(words[0].w);
    let p4 = bitcast<i32>(words[1].x);
    let p5 = bitcast<i32>(words[1].y);
    let p6 = bitcast<i32>(words[1].z);
    let p7 = bitcast<i32>(words[1].w);
    let p8 = bitcast<i32>(words[2].x);
    let p9 = bitcast<i32>(words[2].y);
    let p10 = bitcast<i32>(words[2].z);
    let p11 = bitcast<i32>(words[2].w);
    let p12 = bitcast<i32>(words[3].x);
    let p13 = bitcast<i32>(words[3].y);
    let v2 = bitcast<f32>(b0[p3 + 0i]);
    var v3: f32 = 0.0f;
    for (var v4: i32 = 0i; v4 < p2; v4++) {
      let v5 = b3[p8 + v4];
      let v6 = v5 + v2;
      let v7 = select(0.0f, v6, (v6 > 0.0f));
      let v8 = b1[p5 + v4];
      let v9 = (v7 + nabla_log1p(nabla_exp(select(v6, -v6, (v7 > 0.0f))))) + (-(v8 * v6));
      v3 = v3 + v9;
    }
    let v10 = v3 / p0;
    let v11 = b0[p4 + 0i];
    var v12: bool = false;
    let v13 = b3[p9 + 0i];
    let v14 = !nabla_is_finite(v13);
    v12 = v12 | v14;
    let v15 = b3[p9 + 1i];
    let v16 = !nabla_is_finite(v15);
    v12 = v12 | v16;
    let v17 = b3[p9 + 2i];
    let v18 = !nabla_is_finite(v17);
    v12 = v12 | v18;
    let v19 = b3[p9 + 3i];
    let v20 = !nabla_is_finite(v19);
    v12 = v12 | v20;
    let v21 = b3[p9 + 4i];
    let v22 = !nabla_is_finite(v21);
    v12 = v12 | v22;
    let v23 = b3[p9 + 5i];
    let v24 = !nabla_is_finite(v23);
    v12 = v12 | v24;
    let v25 = b3[p9 + 6i];
    let v26 = !nabla_is_finite(v25);
    v12 = v12 | v26;
    let v27 = b3[p9 + 7i];
    let v28 = !nabla_is_finite(v27);
    v12 = v12 | v28;
    var v29: bool = false;
    let v30 = b3[p10 + 0i];
    let v31 = !nabla_is_finite(v30);
    v29 = v29 | v31;
    let v32 = b3[p10 + 1i];
    let v33 = !nabla_is_finite(v32);
    v29 = v29 | v33;
    let v34 = b3[p10 + 2i];
    let v35 = !nabla_is_finite(v34);
    v29 = v29 | v35;
    let v36 = b3[p10 + 3i];
    let v37 = !nabla_is_finite(v36);
    v29 = v29 | v37;
    var v38: bool = false;
    let v39 = b3[p11 + 0i];
    let v40 = !nabla_is_finite(v39);
    v38 = v38 | v40;
    let v41 = b3[p11 + 1i];
    let v42 = !nabla_is_finite(v41);
    v38 = v38 | v42;
    let v43 = b3[p11 + 2i];
    let v44 = !nabla_is_finite(v43);
    v38 = v38 | v44;
    let v45 = b3[p11 + 3i];
    let v46 = !nabla_is_finite(v45);
    v38 = v38 | v46;
    var v47: f32 = 0.0f;
    for (var v48: i32 = 0i; v48 < p2; v48++) {
      let v49 = b3[p12 + v48];
      v47 = v47 + v49;
    }
    let t0: bool = !nabla_is_finite(v10);
    let v50 = select(select(0u, u32(p1), (((t0 | v12) | v29) | v38) | (!nabla_is_finite(v47))), v11, v11 != 0u);
    b2[p6 + 0i] = bitcast<u32>(v10);
    b2[p7 + 0i] = v50;
    b0[p4 + 0i] = v50;
    b3[p13 + 0i] = v47;
  }
}

// select: read, read_write, read
@group(0) @binding(1) var<storage, read> b0: array<u32, 1>;
@group(0) @binding(2) var<storage, read_write> b1: array<f32, 193>;
@group(0) @binding(3) var<storage, read> b2: array<f32, 193>;

@compute @workgroup_size(16, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let v0 = (i32(workgroup.x) * 16i) + i32(lane.x);
  if (v0 < 193i) {
    let v1 = min(v0, 192i);
    let v2 = b0[0i];
    let v3 = b1[v1];
    let v4 = b2[v1];
    b1[v1] = select(v3, v3 + (v4 * (-0.5f)), v2 == 0u);
  }
}
